"""Accuracy of the predicates of annotated pairs, as for VG-1800."""

from collections.abc import Sequence

import numpy as np

from .graph_match import GraphMatch
from .recall import harmonic_mean


def predicate_accuracy(
    matches: Sequence[GraphMatch], n: int, triplets: bool = False
) -> dict[str, float]:
    """Accuracy, mean accuracy and F over annotated relations.

    As IETrans counts for VG-1800 in predcls and sgcls: objects are compared
    by row number, nothing is ranked. A relation is right where its predicate
    is among the n most probable ones of its pair.

    Args:
        matches: Both graphs of each image, of the same objects.
        n: How many predicates of a pair may be right.
        triplets: Whether the classes of both objects must be right too.

    Returns:
        ``acc`` over all relations, ``mean_acc`` over the predicates that
        occur, ``F`` of both, fractions; ``nonzero``, how many predicates are
        right at least once.

    Examples:
        >>> import numpy as np
        >>> from mmsgg.evaluation.functional import (
        ...     PredictedGraph, TrueGraph, match_graphs)
        >>> boxes, labels = np.zeros((2, 4)), np.array([1, 2])
        >>> pairs = np.array([[0, 1], [1, 0]])
        >>> true = TrueGraph(boxes, labels, pairs, np.array([0, 1]))
        >>> predicted = PredictedGraph(
        ...     boxes, labels, np.ones(2), pairs,
        ...     np.array([[0.5, 0.1], [0.3, 0.2]]))
        >>> predicate_accuracy([match_graphs(predicted, true)], 1)['acc']
        0.5
    """
    right = [_right(match, n, triplets) for match in matches]
    rights = np.concatenate(right)
    predicates = np.concatenate([match.true.predicates for match in matches])
    rows = np.bincount(predicates)
    hits = np.bincount(predicates, rights)
    accuracy = float(hits.sum() / rows.sum())
    mean = float((hits[rows > 0] / rows[rows > 0]).mean())
    return dict(
        acc=accuracy,
        mean_acc=mean,
        F=harmonic_mean(accuracy, mean),
        nonzero=float((hits > 0).sum()),
    )


def _right(match: GraphMatch, n: int, triplets: bool) -> np.ndarray:
    """Which relations (R,) of an image are right."""
    predicted, true = match.predicted, match.true
    if predicted.predicate_scores.size == 0:
        return np.zeros(len(true.pairs), dtype=bool)
    order = np.argsort(-predicted.predicate_scores, axis=1, kind='stable')
    same = (true.pairs[:, None] == predicted.pairs).all(axis=2)  # (R, K)
    listed = order[None, :, :n] == true.predicates[:, None, None]
    right = (same & listed.any(axis=2)).any(axis=1)
    if triplets:
        agree = predicted.labels == true.labels
        right &= agree[true.pairs].all(axis=1)
    return right
