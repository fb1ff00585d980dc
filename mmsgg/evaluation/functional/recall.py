"""Recalls of a whole data set out of the ranks of its relations.

The M relations of all images stand in flat arrays: ``ranks`` (M,) from
:func:`first_hits`, ``images`` (M,) the image each belongs to, ``predicates``
(M,) its predicate. No result depends on the order of the images. K is one
number or, where it differs from image to image, that of each relation (M,).
"""

import math

import numpy as np

K = int | np.ndarray


def image_recall(ranks: np.ndarray, images: np.ndarray, k: K) -> float:
    """Recall of each image, averaged over the images: R@K, zR@K.

    Args:
        ranks: (M,) rank of the first triplet that hits each relation.
        images: (M,) non-negative number of the image of each relation.
        k: How many triplets an image may give.

    Returns:
        A fraction; nan where M = 0.

    Examples:
        >>> import numpy as np
        >>> ranks, images = np.array([0, 9, 1, 2]), np.array([0, 0, 0, 4])
        >>> image_recall(ranks, images, k=2)  # 2 of 3, 0 of 1
        0.3333333333333333
    """
    if len(ranks) == 0:
        return math.nan
    recalls = _group_recall(ranks, images, k)[1]
    return math.fsum(recalls) / len(recalls)


def recall_of_images(
    ranks: np.ndarray, images: np.ndarray, num_images: int, k: K
) -> np.ndarray:
    """Recall of each image by itself, whose mean is :func:`image_recall`.

    Args:
        ranks: (M,) rank of the first triplet that hits each relation.
        images: (M,) number of the image of each relation.
        num_images: I, more than any of the numbers.
        k: How many triplets an image may give.

    Returns:
        (I,) fractions, nan for images that have no relation.

    Examples:
        >>> import numpy as np
        >>> ranks, images = np.array([0, 9, 1, 2]), np.array([0, 0, 0, 2])
        >>> recall_of_images(ranks, images, 3, k=2)
        array([0.66666667,        nan, 0.        ])
    """
    groups, recalls = _group_recall(ranks, images, k)
    values = np.full(num_images, math.nan)
    values[groups] = recalls
    return values


def predicate_recall(
    ranks: np.ndarray,
    images: np.ndarray,
    predicates: np.ndarray,
    num_predicates: int,
    k: K,
) -> np.ndarray:
    """Recall of each predicate, averaged over the images that have it.

    Args:
        ranks: (M,) rank of the first triplet that hits each relation.
        images: (M,) non-negative number of the image of each relation.
        predicates: (M,) predicate of each relation.
        num_predicates: P.
        k: How many triplets an image may give.

    Returns:
        (P,) fractions, nan for predicates that never occur.

    Examples:
        >>> import numpy as np
        >>> ranks, images = np.array([0, 9, 1, 2]), np.array([0, 0, 0, 1])
        >>> predicate_recall(ranks, images, np.array([1, 1, 0, 1]), 3, k=2)
        array([1.  , 0.25,  nan])
    """
    keys = images * num_predicates + predicates
    groups, recalls = _group_recall(ranks, keys, k)
    groups %= num_predicates
    # bincount adds from left to right: sorted, the sum is always the same
    order = np.lexsort((recalls, groups))
    groups, recalls = groups[order], recalls[order]
    sums = np.bincount(groups, recalls, minlength=num_predicates)
    counts = np.bincount(groups, minlength=num_predicates)
    absent = np.full(num_predicates, math.nan)
    return np.divide(sums, counts, out=absent, where=counts > 0)


def group_mean_recall(
    recalls: np.ndarray, group: np.ndarray, absent: str = 'zero'
) -> float:
    """Mean of :func:`predicate_recall` over some predicates: mR-head@K.

    Args:
        recalls: (P,) from :func:`predicate_recall`.
        group: (Q,) which of them.
        absent: What a predicate that never occurs does: 'zero' counts 0,
            'skip' leaves it out, 'nan' makes the mean nan.

    Returns:
        A fraction; nan where no predicate occurs at all, be it in the group
        or not, or none is left.

    Examples:
        >>> import numpy as np
        >>> recalls = np.array([1.0, 0.5, np.nan])
        >>> group_mean_recall(recalls, np.array([1, 2]))
        0.25
        >>> group_mean_recall(recalls, np.array([1, 2]), absent='skip')
        0.5
    """
    if np.isnan(recalls).all():
        return math.nan
    values = recalls[group]
    if absent == 'zero':
        values = np.nan_to_num(values)
    elif absent == 'skip':
        values = values[~np.isnan(values)]
    return math.fsum(values) / len(values) if len(values) else math.nan


def harmonic_mean(recall: float, mean_recall: float) -> float:
    """Harmonic mean of R@K and mR@K: F@K.

    Args:
        recall: R@K.
        mean_recall: mR@K.

    Returns:
        A fraction; 0 where both are 0, nan where one is nan.

    Examples:
        >>> harmonic_mean(0.6, 0.2)
        0.3
        >>> harmonic_mean(0.0, 0.0)
        0.0
    """
    total = recall + mean_recall
    return 0.0 if total == 0 else 2 * recall * mean_recall / total


def pooled_recall(ranks: np.ndarray, k: K) -> float:
    """Relations hit of all relations, whatever their image: A@K, pooled-R@K.

    Args:
        ranks: (M,) rank of the first triplet that hits each relation.
        k: How many triplets an image may give.

    Returns:
        A fraction; nan where M = 0.

    Examples:
        >>> import numpy as np
        >>> pooled_recall(np.array([0, 9, 1, 2]), k=2)
        0.5
    """
    return float((ranks < k).mean()) if len(ranks) else math.nan


def pooled_predicate_recall(
    ranks: np.ndarray, predicates: np.ndarray, num_predicates: int, k: K
) -> np.ndarray:
    """Recall of each predicate over all relations, whatever their image.

    Args:
        ranks: (M,) rank of the first triplet that hits each relation.
        predicates: (M,) predicate of each relation.
        num_predicates: P.
        k: How many triplets an image may give.

    Returns:
        (P,) fractions, nan for predicates that never occur.

    Examples:
        >>> import numpy as np
        >>> ranks, predicates = np.array([0, 9, 1, 2]), np.array([1, 1, 0, 1])
        >>> pooled_predicate_recall(ranks, predicates, 3, k=2)
        array([1.        , 0.33333333,        nan])
    """
    hits = np.bincount(predicates, ranks < k, minlength=num_predicates)
    rows = np.bincount(predicates, minlength=num_predicates)
    absent = np.full(num_predicates, math.nan)
    return np.divide(hits, rows, out=absent, where=rows > 0)


def _group_recall(
    ranks: np.ndarray, keys: np.ndarray, k: K
) -> tuple[np.ndarray, np.ndarray]:
    """Groups (G,) among the keys (M,) and the recall (G,) within each."""
    groups, inverse, sizes = np.unique(
        keys, return_inverse=True, return_counts=True
    )
    hits = np.bincount(inverse, ranks < k, minlength=len(groups))
    return groups, hits / sizes
