"""Which ground-truth relations a ranked list of triplets hits, and when."""

import numpy as np

from mmsgg.structures.bbox import box_ious

NO_HIT = np.iinfo(np.int64).max
"""The rank of a relation that no triplet hits."""


def match_objects(
    boxes: np.ndarray,
    labels: np.ndarray,
    gt_boxes: np.ndarray,
    gt_labels: np.ndarray,
    iou_thr: float = 0.5,
) -> np.ndarray:
    """Which predicted object may stand for which ground-truth object.

    Args:
        boxes: (N, 4) predicted boxes in original-image pixels.
        labels: (N,) predicted classes.
        gt_boxes: (G, 4) ground-truth boxes in original-image pixels.
        gt_labels: (G,) ground-truth classes.
        iou_thr: The least overlap, inclusive.

    Returns:
        (N, G) bool, true where the classes agree and the boxes overlap.

    Examples:
        >>> import numpy as np
        >>> boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> match_objects(boxes, np.array([3, 4]), boxes, np.array([3, 5]))
        array([[ True, False],
               [False, False]])
    """
    same_class = np.equal.outer(labels, gt_labels)
    return same_class & (box_ious(boxes, gt_boxes) >= iou_thr)


def match_triplets(
    object_match: np.ndarray,
    pairs: np.ndarray,
    predicates: np.ndarray,
    gt_pairs: np.ndarray,
    gt_predicates: np.ndarray,
) -> np.ndarray:
    """Which predicted triplet hits which ground-truth relation.

    A triplet may hit several relations, a relation may be hit often.

    Args:
        object_match: (N, G) bool from :func:`match_objects`.
        pairs: (K, 2) [subject, object], indices of the N predicted objects.
        predicates: (K,) predicted predicates.
        gt_pairs: (R, 2) indices of the G ground-truth objects.
        gt_predicates: (R,) ground-truth predicates.

    Returns:
        (K, R) bool.

    Examples:
        >>> import numpy as np
        >>> match_triplets(
        ...     np.eye(2, dtype=bool), np.array([[0, 1], [1, 0]]),
        ...     np.array([5, 5]), np.array([[1, 0]]), np.array([5]))
        array([[False],
               [ True]])
    """
    subjects, objects = (
        object_match.take(gt_pairs[:, i], 1).take(pairs[:, i], 0)  # (K, R)
        for i in (0, 1)
    )
    return subjects & objects & np.equal.outer(predicates, gt_predicates)


def first_hits(hits: np.ndarray) -> np.ndarray:
    """At which rank each ground-truth relation is hit for the first time.

    All recalls follow from these ranks: a relation counts at K where its rank
    is less than K.

    Args:
        hits: (K, R) bool, row k = the triplet at rank k.

    Returns:
        (R,) int64 ranks from 0, :data:`NO_HIT` where no triplet hits.

    Examples:
        >>> import numpy as np
        >>> first_hits(np.array([[False, True], [True, True]]))
        array([1, 0])
    """
    if len(hits) == 0:
        return np.full(hits.shape[1], NO_HIT)
    return np.where(hits.any(0), hits.argmax(0), NO_HIT)


def exclusive_hits(hits: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
    """At which rank each ground-truth relation is used up.

    One after the other, each triplet takes the free relation that it hits
    with the highest overlap, the first of equals. A taken relation is not
    free any more. This is how Lu et al. (ECCV 2016) count for Stanford VRD.

    Args:
        hits: (K, R) bool, row k = the triplet at rank k.
        overlaps: (K, R) overlap of each triplet with each relation.

    Returns:
        (R,) int64 ranks from 0, :data:`NO_HIT` where no triplet is left.

    Examples:
        >>> import numpy as np
        >>> hits = np.array([[True, True], [False, True], [True, False]])
        >>> exclusive_hits(hits, np.array([[0.6, 0.9], [0, 0.9], [0.6, 0]]))
        array([2, 0])
    """
    ranks = np.full(hits.shape[1], NO_HIT)
    for rank in np.flatnonzero(hits.any(1)):
        free = np.flatnonzero(hits[rank] & (ranks == NO_HIT))
        if len(free):
            ranks[free[overlaps[rank, free].argmax()]] = rank
    return ranks
