"""When a predicted scene graph hits each relation of the true one."""

from typing import NamedTuple

import numpy as np

from .graph_match import GraphMatch, match_graphs
from .matching import exclusive_hits, first_hits, match_triplets
from .ranking import annotated_pairs, rank_triplets
from .rules import Rules
from .scene_graphs import PredictedGraph, TrueGraph

Triplets = tuple[np.ndarray, np.ndarray]
"""Pairs (k, 2) of objects and predicates (k,), best first."""


class _HitKind(NamedTuple):
    """Which triplets are judged, and what a hit is."""

    order: str  # which ones, in which order
    phrase: bool = False  # by what is around both, not by both
    pooled: bool = False  # may use up the relation, see ``Rules.exclusive``


HIT_KINDS = {
    'constrained': _HitKind('constrained'),
    'unconstrained': _HitKind('unconstrained'),
    'annotated': _HitKind('annotated'),
    'phrase': _HitKind('constrained', phrase=True),
    'unconstrained-phrase': _HitKind('unconstrained', phrase=True),
    'pooled': _HitKind('limited', pooled=True),
    'unconstrained-pooled': _HitKind('unconstrained', pooled=True),
    'pooled-phrase': _HitKind('limited', phrase=True, pooled=True),
}
"""The known kinds of hits, see :func:`hit_ranks`."""


def hit_ranks(
    predicted: PredictedGraph,
    true: TrueGraph,
    kinds: tuple[str, ...],
    k: int,
    iou_thr: float = 0.5,
) -> dict[str, np.ndarray]:
    """What :func:`ranks_of_match` says by the rules of neural-motifs.

    Args:
        predicted: The prediction.
        true: The annotation.
        kinds: Which kinds of hits.
        k: How many triplets to judge in each.
        iou_thr: The least overlap of the boxes, inclusive.

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
    match = match_graphs(predicted, true, Rules(iou_thr=iou_thr))
    return ranks_of_match(match, kinds, k)


def ranks_of_match(
    match: GraphMatch, kinds: tuple[str, ...], k: int
) -> dict[str, np.ndarray]:
    """Rank of the first triplet that hits each true relation.

    The kinds of hits differ in which triplets are judged, in which order, and
    what a hit is:

    - ``'constrained'``: the best predicate of each pair (R, mR, zR);
    - ``'unconstrained'``: every predicate of every pair (ng-R, ng-mR, ng-zR);
    - ``'annotated'``: as constrained, but only the pairs that have a relation
      in the annotation (A). It compares pairs by row number, so the predicted
      objects must be the annotated ones, as in predcls and sgcls;
    - ``'phrase'``, ``'unconstrained-phrase'``: as the first two, but what is
      around subject and object must overlap instead of both (phr-R);
    - ``'pooled'``, ``'pooled-phrase'``, ``'unconstrained-pooled'``:
      ``rules.predicates_per_pair`` predicates of each pair, or all; with
      ``rules.exclusive`` a triplet uses up the relation that it hits
      (pooled-R, pooled-phr-R, ng-pooled-R).

    Args:
        match: The objects of both graphs and the rules.
        kinds: Which kinds of hits.
        k: How many triplets to judge in each.

    Returns:
        For each kind the ranks (R,) int64 from 0, or ``NO_HIT``.

    Raises:
        ValueError: Where ``'annotated'`` meets other objects than those of
            the annotation.
    """
    rules = match.rules
    orders = {HIT_KINDS[kind].order for kind in kinds}
    shared = {}
    if rules.predicates_per_pair == 1 and rules.least_score <= 0:
        shared = dict(limited='constrained')
    sources = {order: shared.get(order, order) for order in orders}
    ranked = {
        order: first_triplets(order, match, k)
        for order in set(sources.values())
    }
    triplets = {order: ranked[source] for order, source in sources.items()}
    return {
        kind: _ranks(match, triplets[HIT_KINDS[kind].order], HIT_KINDS[kind])
        for kind in kinds
    }


def first_triplets(order: str, match: GraphMatch, k: int) -> Triplets:
    """The first k triplets in one of the orders.

    Args:
        order: ``'constrained'``, ``'unconstrained'``, ``'annotated'`` or
            ``'limited'``, see :func:`ranks_of_match`.
        match: The objects of both graphs and the rules.
        k: How many triplets to keep.

    Returns:
        Pairs (k', 2) of detections and predicates (k',), best first.
    """
    predicted, rules = match.predicted, match.rules
    if order == 'annotated':
        predicted = predicted.keep_pairs(
            annotated_pairs(predicted, match.true)
        )
    few = {'unconstrained': None, 'limited': rules.predicates_per_pair}
    if not rules.unique_triplets:
        kept, predicates = rank_triplets(predicted, k, few.get(order, 1))
    else:
        kept, predicates = _unique_triplets(predicted, k, few.get(order, 1))
    if order == 'limited' and rules.least_score > 0:
        enough = triplet_scores(predicted, kept, predicates)
        enough = enough > rules.least_score
        kept, predicates = kept[enough], predicates[enough]
    return predicted.pairs[kept], predicates


def triplet_scores(
    predicted: PredictedGraph, kept: np.ndarray, predicates: np.ndarray
) -> np.ndarray:
    """Subject score * object score * probability (k,) of triplets.

    Args:
        predicted: The prediction.
        kept: (k,) indices of pairs.
        predicates: (k,) their predicates.
    """
    if len(kept) == 0:  # the probabilities may have no columns
        return np.zeros(0)
    ends = predicted.scores[predicted.pairs[kept]].prod(axis=1)
    return ends * predicted.predicate_scores[kept, predicates]


def _unique_triplets(
    predicted: PredictedGraph, k: int, few: int | None
) -> Triplets:
    """As ``rank_triplets``, and of equal triplets only the first."""
    # one number a pair: numpy takes ten times as long over rows
    keys = predicted.pairs @ [len(predicted.labels), 1]  # (K,)
    if len(np.unique(keys)) == len(keys):
        return rank_triplets(predicted, k, few)
    kept, predicates = rank_triplets(
        predicted, predicted.predicate_scores.size, few
    )
    keys = keys[kept] * predicted.predicate_scores.shape[1] + predicates
    first = np.sort(np.unique(keys, return_index=True)[1])[:k]
    return kept[first], predicates[first]


def _ranks(
    match: GraphMatch, triplets: Triplets, kind: _HitKind
) -> np.ndarray:
    """When the triplets hit each relation (R,)."""
    pairs, predicates = triplets
    true = match.true
    # of a phrase only the classes of both ends count
    hits = match_triplets(
        match.same_class if kind.phrase else match.objects,
        pairs, predicates, true.pairs, true.predicates,
    )  # fmt: skip
    exclusive = kind.pooled and match.rules.exclusive
    if not (kind.phrase or exclusive):
        return first_hits(hits)
    overlaps = (
        _phrase_overlaps(match, pairs, hits)
        if kind.phrase
        else match.pair_overlaps(pairs)
    )
    if kind.phrase:
        hits &= match.passes(overlaps)
    return exclusive_hits(hits, overlaps) if exclusive else first_hits(hits)


def _phrase_overlaps(
    match: GraphMatch, pairs: np.ndarray, hits: np.ndarray
) -> np.ndarray:
    """Overlaps (k, R) of the triplets whose classes hit, else 0."""
    overlaps = np.zeros(hits.shape)
    rows = hits.any(axis=1)
    if rows.any():
        overlaps[rows] = match.phrase_overlaps(pairs[rows])
    return overlaps
