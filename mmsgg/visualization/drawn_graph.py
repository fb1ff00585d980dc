"""Which objects and relations of a data sample go into the picture."""

from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmsgg.evaluation.functional import match_objects, match_triplets


class DrawnGraph(NamedTuple):
    """One graph, the way it is drawn: N objects, K relations."""

    boxes: np.ndarray  # (N, 4) original-image pixels
    labels: np.ndarray  # (N,) 0-based classes
    scores: np.ndarray | None  # (N,)
    pairs: np.ndarray  # (K, 2) rows [subject, object]
    predicates: np.ndarray  # (K,) 0-based predicates
    relation_scores: np.ndarray | None  # (K,)

    def first_relations(
        self, count: int, score_thr: float = 0.0
    ) -> 'DrawnGraph':
        """The graph with its first relations only.

        Args:
            count: How many at most.
            score_thr: The least score, where there are scores.
        """
        scores = self.relation_scores
        if scores is not None:  # descending
            count = min(count, int((scores >= score_thr).sum()))
        return self._replace(
            pairs=self.pairs[:count],
            predicates=self.predicates[:count],
            relation_scores=None if scores is None else scores[:count],
        )

    def visible_objects(self, score_thr: float, max_loose: int) -> np.ndarray:
        """Rows of the objects to draw.

        Args:
            score_thr: The least score of an object without relation.
            max_loose: How many objects without relation to draw, the best
                first.

        Returns:
            (V,) rows, sorted.
        """
        related = np.unique(self.pairs)
        loose = np.setdiff1d(np.arange(len(self.boxes)), related)
        if self.scores is not None:
            loose = loose[self.scores[loose] >= score_thr]
            order = np.argsort(-self.scores[loose], kind='stable')
            loose = loose[order]
        return np.sort(np.concatenate([related, loose[:max_loose]]))


def read_graph(
    objects: InstanceData | None, relations: InstanceData | None
) -> DrawnGraph:
    """Take a graph out of a data sample; what is missing counts as empty.

    Args:
        objects: ``gt_instances`` or ``pred_instances``, boxes in
            original-image pixels.
        relations: ``gt_relations`` or ``pred_relations``. Predictions are
            sorted by their scores, annotations stay as they are.

    Returns:
        The graph. Relations that point to no object are left out.
    """
    boxes = _field(objects, 'bboxes')
    labels = _field(objects, 'labels')
    pairs = _field(relations, 'pairs')
    predicates = _field(relations, 'labels')
    scores = _field(relations, 'scores')
    boxes = np.zeros((0, 4)) if boxes is None else boxes.reshape(-1, 4)
    if pairs is None or predicates is None:
        pairs, predicates, scores = np.zeros((0, 2)), np.zeros(0), None
    pairs = pairs.astype(np.int64).reshape(-1, 2)
    kept = np.flatnonzero(((pairs >= 0) & (pairs < len(boxes))).all(1))
    if scores is not None:
        kept = kept[np.argsort(-scores[kept], kind='stable')]
    return DrawnGraph(
        boxes=np.nan_to_num(boxes.astype(np.float64)),
        labels=np.zeros(0, np.int64) if labels is None else labels,
        scores=_field(objects, 'scores'),
        pairs=pairs[kept],
        predicates=predicates[kept].astype(np.int64),
        relation_scores=None if scores is None else scores[kept],
    )


def match_graphs(
    predicted: DrawnGraph, true: DrawnGraph, iou_thr: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Which relations of two graphs agree, by the rule of the metric.

    Args:
        predicted: The prediction, K relations.
        true: The annotation, R relations.
        iou_thr: The least overlap of both boxes.

    Returns:
        Whether each prediction hits (K,) and each annotation is hit (R,).
    """
    object_match = match_objects(
        predicted.boxes, predicted.labels, true.boxes, true.labels, iou_thr
    )
    hits = match_triplets(
        object_match,
        predicted.pairs,
        predicted.predicates,
        true.pairs,
        true.predicates,
    )
    return hits.any(1), hits.any(0)


def _field(data: InstanceData | None, name: str) -> np.ndarray | None:
    value: Any = None if data is None else data.get(name)
    if value is None:
        return None
    value = getattr(value, 'tensor', value)  # mmdet's boxes
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        if value.is_floating_point():
            value = value.float()  # numpy has no bfloat16
        value = value.numpy()
    return np.asarray(value)
