"""The true and the predicted scene graph of one image, as arrays."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from .masks import Masks, encode_masks, masks_of

#: What must be finite in a sample.
FINITE_FIELDS = {
    'gt_instances': ('bboxes',),
    'pred_instances': ('bboxes', 'scores'),
    'pred_relations': ('predicate_scores', 'scores'),
}


class TrueGraph(NamedTuple):
    """The annotation of one image: G objects, R relations."""

    boxes: np.ndarray  # (G, 4) original-image pixels
    labels: np.ndarray  # (G,) 0-based classes
    pairs: np.ndarray  # (R, 2) [subject, object], indices of the objects
    predicates: np.ndarray  # (R,) 0-based predicates
    masks: Masks | None = None  # G of them, original image

    @property
    def triplets(self) -> np.ndarray:
        """(R, 3) int64 [subject class, object class, predicate]."""
        classes = self.labels[self.pairs]  # (R, 2)
        return np.column_stack([classes, self.predicates]).astype(np.int64)

    def unique_relations(self) -> 'TrueGraph':
        """The graph with the first of equal relations only."""
        rows = np.column_stack([self.pairs, self.predicates])  # (R, 3)
        first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
        return self._replace(
            pairs=self.pairs[first], predicates=self.predicates[first]
        )


class PredictedGraph(NamedTuple):
    """The prediction for one image: N objects, K pairs, P predicates."""

    boxes: np.ndarray  # (N, 4) original-image pixels
    labels: np.ndarray  # (N,) 0-based classes
    scores: np.ndarray  # (N,)
    pairs: np.ndarray  # (K, 2) [subject, object], indices of the objects
    predicate_scores: np.ndarray  # (K, P) foreground probabilities
    pair_scores: np.ndarray | None = None  # (K,); None: best pair first
    masks: Masks | None = None  # N of them, original image
    #: (K,) what the probability of a candidate is multiplied with; None:
    #: subject score * object score
    pair_weights: np.ndarray | None = None

    def keep_pairs(self, kept: np.ndarray) -> 'PredictedGraph':
        """The graph with all objects and the pairs of some indices (k,)."""
        scores, weights = self.pair_scores, self.pair_weights
        return self._replace(
            pairs=self.pairs[kept],
            predicate_scores=self.predicate_scores[kept],
            pair_scores=None if scores is None else scores[kept],
            pair_weights=None if weights is None else weights[kept],
        )


def true_graph(sample: Mapping[str, Any], masks: bool = False) -> TrueGraph:
    """The annotation in a sample.

    Args:
        sample: ``SGDataSample.to_dict()``, or a dict alike of arrays, with
            ``gt_instances`` {bboxes, labels[, masks]} and ``gt_relations``
            {pairs, labels}.
        masks: Whether to read the masks.

    Returns:
        Its graph, boxes in original-image pixels.

    Raises:
        KeyError: If the sample has no relations.
        ValueError: If it has no masks, or not one an object.
    """
    if 'gt_relations' not in sample:
        raise KeyError(
            f'image {sample.get("img_id")} comes without annotated relations; '
            'load them with LoadRelationAnnotations and pack them with '
            'PackSGInputs in the test pipeline, not with LoadAnnotations and '
            'PackDetInputs'
        )
    objects, relations = sample['gt_instances'], sample['gt_relations']
    return TrueGraph(
        boxes=as_array(objects['bboxes']).reshape(-1, 4),
        labels=_integers(objects['labels']),
        pairs=_integers(relations['pairs']).reshape(-1, 2),
        predicates=_integers(relations['labels']),
        masks=_masks(sample, 'gt_instances') if masks else None,
    )


def predicted_graph(
    sample: Mapping[str, Any], masks: bool = False
) -> PredictedGraph:
    """The prediction in a sample.

    Args:
        sample: A dict with ``pred_instances`` {bboxes, labels, scores[,
            masks]} and ``pred_relations`` {pairs, predicate_scores[,
            scores]}.
        masks: Whether to read the masks.

    Returns:
        Its graph, boxes in original-image pixels.

    Raises:
        ValueError: If it has no masks, or not one an object.
    """
    objects, relations = sample['pred_instances'], sample['pred_relations']
    scores = relations.get('scores')
    return PredictedGraph(
        boxes=as_array(objects['bboxes']).reshape(-1, 4),
        labels=_integers(objects['labels']),
        scores=as_array(objects['scores']),
        pairs=_integers(relations['pairs']).reshape(-1, 2),
        predicate_scores=as_array(relations['predicate_scores']),
        pair_scores=None if scores is None else as_array(scores),
        masks=_masks(sample, 'pred_instances') if masks else None,
    )


def check_finite(sample: Any) -> None:
    """See that no box and no score is infinite or not a number.

    Args:
        sample: As of :func:`true_graph` and :func:`predicted_graph`, or an
            ``SGDataSample``; fields that are not there are not missed.

    Raises:
        ValueError: On the first field with such a value, naming the image.
    """
    for field, names in FINITE_FIELDS.items():
        part = sample.get(field)
        for name in names:
            values = None if part is None else part.get(name)
            if values is not None and not _is_finite(values):
                image = sample.get('img_id', sample.get('img_path'))
                raise ValueError(
                    f'image {image!r}: {field}.{name} has values that are not '
                    'finite'
                )


def _masks(sample: Mapping[str, Any], field: str) -> Masks:
    """The masks of the objects, one each."""
    image, number = sample.get('img_id'), len(sample[field]['labels'])
    masks = masks_of(sample[field])
    if masks is None and number:
        raise ValueError(
            f'image {image!r}: {field} has no masks; load them and predict '
            'them, or compare boxes with rules=dict(masks=False)'
        )
    codes = [] if masks is None else encode_masks(masks)
    if len(codes) != number:
        raise ValueError(
            f'image {image!r}: {field} has {len(codes)} masks for {number} '
            'objects'
        )
    return codes


def _is_finite(value: Any) -> bool:
    """Whether all numbers are finite; a tensor stays where it is."""
    value = getattr(value, 'tensor', value)
    if isinstance(value, torch.Tensor):
        return bool(torch.isfinite(value).all())
    # a sum of squares is finite only if all are, and allocates nothing
    return bool(np.isfinite(np.vdot(value, value)) or np.isfinite(value).all())


def as_array(value: Any) -> np.ndarray:
    """An array of an array, a tensor or mmdet's boxes; half becomes single."""
    value = getattr(value, 'tensor', value)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        # numpy has no bfloat16, and products of halves underflow
        if value.dtype in (torch.float16, torch.bfloat16):
            value = value.float()
        value = value.numpy()
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype == np.float16 else value


def _integers(value: Any) -> np.ndarray:
    return as_array(value).astype(np.int64, copy=False)
