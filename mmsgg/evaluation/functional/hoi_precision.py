"""Mean average precision of human-object interaction: HICO-DET."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmsgg.structures.bbox import box_ious, intersection_areas

from .average_precision import average_precision, true_positives
from .matching import match_triplets
from .ranking import stable_topk
from .scene_graphs import TrueGraph


class Interactions(NamedTuple):
    """The M candidates of one image, or of all of them."""

    triplets: np.ndarray  # (M, 3) [subject class, object class, verb]
    scores: np.ndarray  # (M,)
    found: np.ndarray  # (M,) bool


def image_interactions(
    boxes: np.ndarray,
    labels: np.ndarray,
    pairs: np.ndarray,
    verb_scores: np.ndarray,
    true: TrueGraph,
    valid: np.ndarray | None = None,
    k: int = 100,
    nms_thr: float | None = None,
) -> Interactions:
    """The candidates of an image, by the rules of QPIC's evaluator.

    Args:
        boxes: (N, 4) predicted boxes in original-image pixels.
        labels: (N,) their classes.
        pairs: (K, 2) [subject, object], rows of the boxes.
        verb_scores: (K, V) final scores, with those of the objects.
        true: The annotation.
        valid: (V, C) bool, which verbs an object class takes; all by default.
        k: How many candidates count.
        nms_thr: Where given, of those of one triplet that overlap more
            (subject IoU * square root of object IoU) only the best stays.

    Returns:
        The candidates, best first.

    Examples:
        >>> import numpy as np
        >>> boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> labels, pairs = np.array([0, 1]), np.array([[0, 1]])
        >>> true = TrueGraph(boxes, labels, pairs, np.array([1]))
        >>> image_interactions(
        ...     boxes, labels, pairs, np.array([[0.1, 0.8]]), true).found
        array([ True, False])
    """
    if valid is not None:
        verb_scores = verb_scores * valid.T[labels[pairs[:, 1]]]
    best = stable_topk(verb_scores.ravel(), k)
    rows, verbs = np.divmod(best, verb_scores.shape[1])
    pairs, scores = pairs[rows], verb_scores.ravel()[best]
    triplets = np.column_stack([labels[pairs], verbs])
    if nms_thr is not None:
        kept = _pair_nms(boxes, pairs, triplets, nms_thr)
        pairs, scores, triplets = pairs[kept], scores[kept], triplets[kept]
    overlaps = _overlaps(boxes, true.boxes)
    overlaps = np.minimum(
        overlaps[pairs[:, :1], true.pairs[:, 0]],
        overlaps[pairs[:, 1:], true.pairs[:, 1]],
    )
    fits = match_triplets(
        np.equal.outer(labels, true.labels),
        pairs, triplets[:, 2], true.pairs, true.predicates,
    )  # fmt: skip
    found = true_positives(fits, overlaps, overlaps >= 0.5)
    return Interactions(triplets, scores, found)


def interaction_precisions(
    images: Sequence[Interactions], gt_triplets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision of each triplet of classes that is annotated.

    Args:
        images: The candidates of each image.
        gt_triplets: (M, 3) the annotated triplets of all images, repeated
            ones too.

    Returns:
        The different triplets (T, 3), sorted, and their precisions (T,),
        whose mean is the mAP. Other candidates do not count.

    Examples:
        >>> import numpy as np
        >>> image = Interactions(
        ...     np.array([[0, 1, 2], [0, 1, 3]]), np.array([0.9, 0.8]),
        ...     np.array([True, False]))
        >>> interaction_precisions([image], np.array([[0, 1, 2], [0, 1, 2]]))
        (array([[0, 1, 2]]), array([0.54545455]))
    """
    triplets = np.concatenate([image.triplets for image in images])
    scores = np.concatenate([image.scores for image in images])
    found = np.concatenate([image.found for image in images])
    classes, rows = np.unique(gt_triplets, axis=0, return_counts=True)
    precisions = np.zeros(len(classes))
    for number, (triplet, row) in enumerate(zip(classes, rows, strict=True)):
        own = (triplets == triplet).all(axis=1)
        precisions[number] = average_precision(
            scores[own], found[own], row, eleven=True
        )
    return classes, precisions


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU with +1, but 0 of boxes that share a border line at most."""
    apart = intersection_areas(boxes, others, last_pixel=0) <= 0
    return np.where(apart, 0, box_ious(boxes, others))


def _pair_nms(
    boxes: np.ndarray, pairs: np.ndarray, triplets: np.ndarray, thr: float
) -> np.ndarray:
    """The candidates (k',) that no better one of their triplet suppresses."""
    overlaps = box_ious(boxes, boxes)
    subjects, objects = pairs.T
    close = overlaps[np.ix_(subjects, subjects)] * np.sqrt(
        overlaps[np.ix_(objects, objects)]
    )
    same = (triplets[:, None] == triplets).all(axis=2)
    suppresses = same & (close > thr)
    kept = np.ones(len(pairs), dtype=bool)
    for rank in range(len(pairs)):
        if kept[rank]:
            kept[rank + 1 :] &= ~suppresses[rank, rank + 1 :]
    return np.flatnonzero(kept)
