"""When a predicted scene graph hits each relation of the true one."""

from typing import NamedTuple

import numpy as np

from .matching import (
    exclusive_hits,
    first_hits,
    match_objects,
    match_triplets,
    pair_overlap,
    phrase_overlap,
)
from .ranking import annotated_pairs, rank_triplets
from .scene_graphs import PredictedGraph, TrueGraph

Triplets = tuple[np.ndarray, np.ndarray]
"""Pairs (k, 2) of objects and predicates (k,), best first."""


class _Protocol(NamedTuple):
    """Which triplets are judged, and what a hit is."""

    order: str  # which ones, in which order
    phrase: bool = False  # by the box around both, not by both boxes
    exclusive: bool = False  # a triplet hits one relation, each only once


PROTOCOLS = {
    'constrained': _Protocol('constrained'),
    'unconstrained': _Protocol('unconstrained'),
    'annotated': _Protocol('annotated'),
    'phrase': _Protocol('constrained', phrase=True),
    'unconstrained-phrase': _Protocol('unconstrained', phrase=True),
    'exclusive': _Protocol('limited', exclusive=True),
    'exclusive-phrase': _Protocol('limited', phrase=True, exclusive=True),
}
"""The known protocols, see :func:`hit_ranks`."""


def hit_ranks(
    predicted: PredictedGraph,
    true: TrueGraph,
    protocols: tuple[str, ...],
    k: int,
    iou_thr: float = 0.5,
    predicates_per_pair: int = 1,
) -> dict[str, np.ndarray]:
    """Rank of the first triplet that hits each true relation.

    The protocols differ in which triplets are judged, in which order, and
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
        protocols: Which protocols to follow.
        k: How many triplets to judge in each.
        iou_thr: The least overlap of the boxes, inclusive.
        predicates_per_pair: Of the exclusive protocols.

    Returns:
        For each protocol the ranks (R,) int64 from 0, or ``NO_HIT``.

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
        >>> hit_ranks(predicted, true, ('unconstrained',), k=100)
        {'unconstrained': array([2])}
    """
    kinds = {protocol: PROTOCOLS[protocol] for protocol in protocols}
    orders = sorted({kind.order for kind in kinds.values()})
    triplets = {
        order: _first_triplets(order, predicted, true, k, predicates_per_pair)
        for order in orders
    }
    object_match = match_objects(
        predicted.boxes, predicted.labels, true.boxes, true.labels, iou_thr
    )
    return {
        protocol: _ranks(
            predicted, true, triplets[kind.order], kind, object_match, iou_thr
        )
        for protocol, kind in kinds.items()
    }


def _first_triplets(
    order: str,
    predicted: PredictedGraph,
    true: TrueGraph,
    k: int,
    predicates_per_pair: int,
) -> Triplets:
    """The first k triplets in one of the orders."""
    if order == 'annotated':
        predicted = predicted.keep_pairs(annotated_pairs(predicted, true))
    competing = {'unconstrained': None, 'limited': predicates_per_pair}
    kept, predicates = rank_triplets(predicted, k, competing.get(order, 1))
    return predicted.pairs[kept], predicates


def _ranks(
    predicted: PredictedGraph,
    true: TrueGraph,
    triplets: Triplets,
    kind: _Protocol,
    object_match: np.ndarray,
    iou_thr: float,
) -> np.ndarray:
    """When the triplets hit each relation (R,)."""
    pairs, predicates = triplets
    if kind.phrase:  # of each object only the class counts
        object_match = np.equal.outer(predicted.labels, true.labels)
    hits = match_triplets(
        object_match, pairs, predicates, true.pairs, true.predicates
    )
    if not (kind.phrase or kind.exclusive):
        return first_hits(hits)
    overlap_of = phrase_overlap if kind.phrase else pair_overlap
    overlaps = overlap_of(predicted.boxes, pairs, true.boxes, true.pairs)
    if kind.phrase:
        hits &= overlaps >= iou_thr
    return (
        exclusive_hits(hits, overlaps) if kind.exclusive else first_hits(hits)
    )
