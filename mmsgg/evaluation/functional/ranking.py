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
    predicates_per_pair: int | None = None,
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
        predicates_per_pair: How many predicates of a pair compete, its most
            probable ones; all by default.

    Returns:
        Rows (k',) of the pairs and predicates (k',), both int64, with
        k' = min(k, K * P).

    Examples:
        >>> import numpy as np
        >>> graph = (
        ...     np.array([1.0, 0.5]), np.array([[0, 1], [1, 0]]),
        ...     np.array([[0.1, 0.6], [0.6, 0.2]]))
        >>> rank_candidates(*graph, k=3)
        (array([0, 1, 1]), array([1, 0, 1]))
        >>> rank_candidates(*graph, k=3, predicates_per_pair=1)
        (array([0, 1]), array([1, 0]))
    """
    rows = np.arange(len(pairs))
    if predicate_scores.size == 0:
        return rows[:0], rows[:0]
    pair_scores = object_scores[pairs[:, 0]] * object_scores[pairs[:, 1]]
    scores = pair_scores[:, None] * predicate_scores  # (K, P)
    # The best k candidates are of the k pairs with the best best candidates:
    # each of those pairs has one that comes before all of any other pair.
    best_scores = np.fmax.reduce(scores, axis=1)
    rows = np.sort(stable_topk(best_scores, k))  # (k'',)
    scores = scores[rows]
    if predicates_per_pair is None or predicates_per_pair >= scores.shape[1]:
        best = stable_topk(scores.ravel(), k)
        best_rows, predicates = np.divmod(best, scores.shape[1])
        return rows[best_rows], predicates
    order = np.argsort(-predicate_scores[rows], axis=1, kind='stable')
    order = np.sort(order[:, :predicates_per_pair], axis=1)  # (k'', m)
    scores = np.take_along_axis(scores, order, axis=1)
    best = stable_topk(scores.ravel(), k)
    return rows[best // predicates_per_pair], order.ravel()[best]
