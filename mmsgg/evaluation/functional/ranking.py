"""Which triplets of a predicted graph are judged, and in which order.

Every order comes from a stable sort, so equal scores never make a result
depend on the machine. Scores that are not a number come last.
"""

import numpy as np

from .scene_graphs import PredictedGraph, TrueGraph


def rank_triplets(
    predicted: PredictedGraph, k: int, predicates_per_pair: int | None = 1
) -> tuple[np.ndarray, np.ndarray]:
    """The first k triplets of a prediction.

    Args:
        predicted: The prediction.
        k: How many triplets to keep.
        predicates_per_pair: How many predicates of a pair compete: 1 is the
            graph constraint, see :func:`rank_pairs`; any other number, and
            None for all of them, goes to :func:`rank_candidates`.

    Returns:
        Indices (k',) of the pairs and predicates (k',), best first.

    Examples:
        >>> import numpy as np
        >>> graph = PredictedGraph(
        ...     np.zeros((2, 4)), np.zeros(2), np.ones(2),
        ...     np.array([[0, 1], [1, 0]]),
        ...     np.array([[0.5, 0.4, 0.1], [0.6, 0.1, 0.1]]))
        >>> rank_triplets(graph, 3, predicates_per_pair=2)
        (array([1, 0, 0]), array([0, 0, 1]))
    """
    if predicates_per_pair == 1:
        return rank_pairs(predicted.predicate_scores, k, predicted.pair_scores)
    return rank_candidates(
        predicted.scores,
        predicted.pairs,
        predicted.predicate_scores,
        k,
        predicates_per_pair,
        predicted.pair_weights,
    )


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
        Indices (k',) of the pairs and their predicates (k',), both int64,
        with k' = min(k, K).

    Examples:
        >>> import numpy as np
        >>> predicate_scores = np.array([[0.1, 0.3], [0.8, 0.1]])
        >>> rank_pairs(predicate_scores, 100, np.array([0.3, 0.8]))
        (array([1, 0]), array([0, 1]))
    """
    if scores is None:
        best = np.arange(min(k, len(predicate_scores)))
    else:
        best = stable_topk(scores, k)
    if len(best) == 0:
        return best, best
    return best, predicate_scores[best].argmax(1)


def rank_candidates(
    object_scores: np.ndarray,
    pairs: np.ndarray,
    predicate_scores: np.ndarray,
    k: int,
    predicates_per_pair: int | None = None,
    pair_weights: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Triplets without graph constraint: every predicate of every pair.

    A candidate scores subject score * object score * predicate probability,
    or weight of the pair * predicate probability. Of equal candidates that of
    the earlier pair comes first, then that of the smaller predicate.

    Args:
        object_scores: (N,) scores of the objects.
        pairs: (K, 2) [subject, object], indices of the objects.
        predicate_scores: (K, P) probabilities of the foreground predicates.
        k: How many candidates to keep.
        predicates_per_pair: How many predicates of a pair compete, its most
            probable ones; all by default.
        pair_weights: (K,) weights of the pairs.

    Returns:
        Indices (k',) of the pairs and predicates (k',), both int64, with
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
    if predicate_scores.size == 0:
        return np.arange(0), np.arange(0)
    if pair_weights is None:
        pair_weights = object_scores[pairs[:, 0]] * object_scores[pairs[:, 1]]
    # The best k candidates are of the k pairs with the best best candidates:
    # each of those pairs has one that comes before all of any other pair.
    best_scores = best_candidates(pair_weights, predicate_scores)
    kept = np.sort(stable_topk(best_scores, k))  # (k'',) pairs
    scores = pair_weights[kept, None] * predicate_scores[kept]
    if predicates_per_pair is None or predicates_per_pair >= scores.shape[1]:
        best = stable_topk(scores.ravel(), k)
        best_pairs, predicates = np.divmod(best, scores.shape[1])
        return kept[best_pairs], predicates
    order = np.argsort(-predicate_scores[kept], axis=1, kind='stable')
    order = np.sort(order[:, :predicates_per_pair], axis=1)  # (k'', m)
    scores = np.take_along_axis(scores, order, axis=1)
    best = stable_topk(scores.ravel(), k)
    return kept[best // predicates_per_pair], order.ravel()[best]


def best_candidates(
    pair_weights: np.ndarray, predicate_scores: np.ndarray
) -> np.ndarray:
    """The highest product of each pair's weight and its probabilities.

    Args:
        pair_weights: (K,) weights of the pairs.
        predicate_scores: (K, P) probabilities, P at least 1.

    Returns:
        (K,) products; what is not a number counts only where a pair has
        nothing else.

    Examples:
        >>> import numpy as np
        >>> best_candidates(np.array([0.5]), np.array([[0.2, 0.8]]))
        array([0.4])
    """
    num_predicates = predicate_scores.shape[1]
    rows = np.arange(0, predicate_scores.size, num_predicates)
    # half the time of a reduction along the rows
    best = np.fmax.reduceat(predicate_scores.ravel(), rows)
    # rounding keeps the order, so the best probability has the best product
    ordinary = (pair_weights >= 0) & np.isfinite(pair_weights)
    if ordinary.all() and not np.isinf(best).any():
        return pair_weights * best
    products = pair_weights[:, None] * predicate_scores
    return np.fmax.reduce(products, axis=1)


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


def annotated_pairs(predicted: PredictedGraph, true: TrueGraph) -> np.ndarray:
    """Indices (k',) of the predicted pairs that the annotation relates.

    Args:
        predicted: The prediction, on the annotated objects.
        true: The annotation.

    Returns:
        The indices, ascending.

    Raises:
        ValueError: Where the prediction has another number of objects.
    """
    num_objects = len(true.boxes)
    if len(predicted.pairs) and len(predicted.boxes) != num_objects:
        raise ValueError(
            f'A compares pairs by row number, but {len(predicted.boxes)} '
            f'objects are predicted where {num_objects} are annotated. It is '
            'for predcls and sgcls; leave it out for sgdet.'
        )
    is_annotated = np.zeros((num_objects, num_objects), dtype=bool)
    is_annotated[true.pairs[:, 0], true.pairs[:, 1]] = True
    return np.flatnonzero(
        is_annotated[predicted.pairs[:, 0], predicted.pairs[:, 1]]
    )
