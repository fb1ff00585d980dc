"""When a predicted scene graph hits each relation of the true one."""

from typing import NamedTuple

import numpy as np

from .graphs import PredictedGraph, TrueGraph
from .relation_overlap import pair_overlap, phrase_overlap
from .triplet_matching import exclusive_hits, first_hits, match_triplets
from .triplet_orders import (
    Ranked,
    annotated,
    constrained,
    few_a_pair,
    unconstrained,
)


class _Ranking(NamedTuple):
    """How triplets are judged."""

    order: str  # which ones, in which order
    phrase: bool = False  # by the box around both, not by both boxes
    exclusive: bool = False  # a triplet hits one relation, each only once


RANKINGS = {
    'constrained': _Ranking('constrained'),
    'unconstrained': _Ranking('unconstrained'),
    'annotated': _Ranking('annotated'),
    'phrase': _Ranking('constrained', phrase=True),
    'unconstrained-phrase': _Ranking('unconstrained', phrase=True),
    'exclusive': _Ranking('few_a_pair', exclusive=True),
    'exclusive-phrase': _Ranking('few_a_pair', phrase=True, exclusive=True),
}
"""The known rankings, see :func:`graph_ranks`."""


def graph_ranks(
    predicted: PredictedGraph,
    true: TrueGraph,
    rankings: tuple[str, ...],
    k: int,
    iou_thr: float = 0.5,
    predicates_per_pair: int = 1,
) -> dict[str, np.ndarray]:
    """Rank of the first triplet that hits each true relation.

    The rankings differ in which triplets are judged, in which order, and
    what a hit is:

    - ``'constrained'``: the best predicate of each pair (R, mR, zR);
    - ``'unconstrained'``: every predicate of every pair (ng-R, ng-mR, ng-zR);
    - ``'annotated'``: as constrained, but only the pairs that have a relation
      in the annotation (A). It compares pairs by row number, so the predicted
      objects must be the annotated ones, as in predcls and sgcls;
    - ``'phrase'``, ``'unconstrained-phrase'``: as the first two, but the box
      around subject and object must overlap instead of both (phr-R);
    - ``'exclusive'``, ``'exclusive-phrase'``: ``predicates_per_pair``
      predicates of each pair; a triplet uses up the relation that it hits
      (pooled-R, pooled-phr-R).

    Args:
        predicted: The prediction.
        true: The annotation.
        rankings: Which rankings to make.
        k: How many triplets to judge in each.
        iou_thr: The least overlap of the boxes, inclusive.
        predicates_per_pair: Of the exclusive rankings.

    Returns:
        For each ranking the ranks (R,) int64 from 0, or ``NEVER``.

    Raises:
        ValueError: Where ``'annotated'`` meets other objects than those of
            the annotation.

    Examples:
        >>> import numpy as np
        >>> boxes = np.array([[0, 0, 9, 9], [5, 5, 19, 19]])
        >>> labels = np.array([3, 4])
        >>> true = TrueGraph(
        ...     boxes, labels, np.array([[1, 0]]), np.array([2]))
        >>> predicted = PredictedGraph(
        ...     boxes, labels, np.ones(2), np.array([[0, 1], [1, 0]]),
        ...     np.array([[0.7, 0.1, 0.1], [0.0, 0.3, 0.2]]))
        >>> graph_ranks(predicted, true, ('unconstrained',), k=100)
        {'unconstrained': array([2])}
    """
    kinds = {ranking: RANKINGS[ranking] for ranking in rankings}
    orders = {kind.order for kind in kinds.values()}
    ranked = {
        order: _ranked(order, predicted, true, k, predicates_per_pair)
        for order in sorted(orders)
    }
    same_class = np.equal.outer(predicted.labels, true.labels)  # (N, G)
    return {
        ranking: _ranks(
            predicted, true, ranked[kind.order], kind, same_class, iou_thr
        )
        for ranking, kind in kinds.items()
    }


def _ranked(
    order: str,
    predicted: PredictedGraph,
    true: TrueGraph,
    k: int,
    predicates_per_pair: int,
) -> Ranked:
    """The triplets in one of the orders."""
    match order:
        case 'constrained':
            return constrained(predicted, k)
        case 'unconstrained':
            return unconstrained(predicted, k)
        case 'annotated':
            return annotated(predicted, true, k)
        case _:
            return few_a_pair(predicted, k, predicates_per_pair)


def _ranks(
    predicted: PredictedGraph,
    true: TrueGraph,
    ranked: Ranked,
    kind: _Ranking,
    same_class: np.ndarray,
    iou_thr: float,
) -> np.ndarray:
    """When the triplets hit each relation (R,)."""
    rows, predicates = ranked
    pairs = predicted.pairs[rows]
    overlap_of = phrase_overlap if kind.phrase else pair_overlap
    overlaps = overlap_of(predicted.boxes, pairs, true.boxes, true.pairs)
    hits = match_triplets(
        same_class, pairs, predicates, true.pairs, true.predicates
    )
    hits &= overlaps >= iou_thr
    return (
        exclusive_hits(hits, overlaps) if kind.exclusive else first_hits(hits)
    )
