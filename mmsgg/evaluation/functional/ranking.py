"""The order in which the triplets of one predicted graph are judged.

Every order comes from a stable sort, so equal scores never make a result
depend on the machine. Scores that are not a number come last.
"""

import numpy as np


def stable_topk(scores: np.ndarray, k: int) -> np.ndarray:
    """Indices of the k highest scores, best first, the first of equals first.

    Equal to ``np.argsort(-scores, kind='stable')[:k]``, without sorting all.

    Args:
        scores: (M,) floating point scores.
        k: How many to keep; all where k exceeds M.

    Returns:
        (min(k, M),) int64 indices.

    Examples:
        >>> import numpy as np
        >>> stable_topk(np.array([0.2, 0.7, 0.2, 0.9, 0.2]), 3)
        array([3, 1, 0])
    """
    costs = -scores
    if k >= len(costs):
        return np.argsort(costs, kind='stable')
    kth = np.partition(costs, k - 1)[k - 1]
    # ``not >`` instead of ``<=``: it keeps enough where kth is not a number
    kept = np.flatnonzero(~(costs > kth))
    return kept[np.argsort(costs[kept], kind='stable')[:k]]


def rank_pairs(
    predicate_scores: np.ndarray,
    k: int,
    scores: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Triplets with graph constraint: the best predicate of each pair.

    Args:
        predicate_scores: (K, P) probabilities of the foreground predicates.
        k: How many pairs to keep.
        scores: (K,) scores that order the pairs. By default they stay in the
            order given.

    Returns:
        Rows (k',) of the pairs and their predicates (k',), both int64, with
        k' = min(k, K).

    Examples:
        >>> import numpy as np
        >>> predicate_scores = np.array([[0.1, 0.3], [0.8, 0.1]])
        >>> rank_pairs(predicate_scores, 100, np.array([0.3, 0.8]))
        (array([1, 0]), array([0, 1]))
    """
    if scores is None:
        rows = np.arange(min(k, len(predicate_scores)))
    else:
        rows = stable_topk(scores, k)
    if len(rows) == 0:
        return rows, rows
    return rows, predicate_scores[rows].argmax(1)


def rank_candidates(
    object_scores: np.ndarray,
    pairs: np.ndarray,
    predicate_scores: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Triplets without graph constraint: every predicate of every pair.

    A candidate scores subject score * object score * predicate probability.
    Of equal candidates that of the earlier pair comes first, then that of the
    smaller predicate.

    Args:
        object_scores: (N,) scores of the objects.
        pairs: (K, 2) rows [subject, object] of the objects.
        predicate_scores: (K, P) probabilities of the foreground predicates.
        k: How many candidates to keep.

    Returns:
        Rows (k',) of the pairs and predicates (k',), both int64, with
        k' = min(k, K * P).

    Examples:
        >>> import numpy as np
        >>> rank_candidates(
        ...     np.array([1.0, 0.5]), np.array([[0, 1], [1, 0]]),
        ...     np.array([[0.1, 0.6], [0.6, 0.2]]), k=3)
        (array([0, 1, 1]), array([1, 0, 1]))
    """
    pair_scores = object_scores[pairs[:, 0]] * object_scores[pairs[:, 1]]
    scores = pair_scores[:, None] * predicate_scores  # (K, P)
    best = stable_topk(scores.ravel(), k)
    return np.divmod(best, max(scores.shape[1], 1))
