"""Which triplets of a predicted graph are judged, in which order."""

import numpy as np

from .graphs import PredictedGraph, TrueGraph
from .ranking import rank_candidates, rank_pairs

Ranked = tuple[np.ndarray, np.ndarray]
"""Rows (k',) of the pairs and the predicates (k',), best first."""


def constrained(predicted: PredictedGraph, k: int) -> Ranked:
    """The best predicate of each pair, pairs by their scores."""
    return rank_pairs(predicted.predicate_scores, k, predicted.pair_scores)


def unconstrained(
    predicted: PredictedGraph, k: int, predicates_per_pair: int | None = None
) -> Ranked:
    """Every predicate of every pair, or the best few of each pair."""
    return rank_candidates(
        predicted.scores,
        predicted.pairs,
        predicted.predicate_scores,
        k,
        predicates_per_pair,
    )


def few_a_pair(
    predicted: PredictedGraph, k: int, predicates_per_pair: int
) -> Ranked:
    """The given number of predicates of each pair.

    One is what :func:`constrained` judges, P is :func:`unconstrained`.

    Args:
        predicted: The prediction.
        k: How many triplets to keep.
        predicates_per_pair: How many predicates of a pair compete.

    Returns:
        Rows (k',) of the pairs and predicates (k',).

    Examples:
        >>> import numpy as np
        >>> graph = PredictedGraph(
        ...     np.zeros((2, 4)), np.zeros(2), np.ones(2),
        ...     np.array([[0, 1], [1, 0]]),
        ...     np.array([[0.5, 0.4, 0.1], [0.6, 0.1, 0.1]]))
        >>> few_a_pair(graph, 3, 2)
        (array([1, 0, 0]), array([0, 0, 1]))
    """
    if predicates_per_pair == 1:
        return constrained(predicted, k)
    return unconstrained(predicted, k, predicates_per_pair)


def annotated(predicted: PredictedGraph, true: TrueGraph, k: int) -> Ranked:
    """As constrained, but only the pairs that the annotation relates.

    Args:
        predicted: The prediction, on the annotated objects.
        true: The annotation.
        k: How many triplets to keep.

    Returns:
        Rows (k',) of the pairs and predicates (k',).

    Raises:
        ValueError: Where the prediction has another number of objects.
    """
    kept = annotated_pairs(predicted, true)
    scores = predicted.pair_scores
    rows, predicates = rank_pairs(
        predicted.predicate_scores[kept],
        k,
        None if scores is None else scores[kept],
    )
    return kept[rows], predicates


def annotated_pairs(predicted: PredictedGraph, true: TrueGraph) -> np.ndarray:
    """Rows (k',) of the predicted pairs that the annotation relates."""
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
