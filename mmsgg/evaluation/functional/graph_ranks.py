"""When a predicted scene graph hits each relation of the true one."""

from typing import NamedTuple

import numpy as np

from .ranking import rank_candidates, rank_pairs
from .triplet_matching import first_hits, match_objects, match_triplets


class TrueGraph(NamedTuple):
    """The annotation of one image: G objects, R relations."""

    boxes: np.ndarray  # (G, 4) original-image pixels
    labels: np.ndarray  # (G,) 0-based classes
    pairs: np.ndarray  # (R, 2) rows [subject, object] of the objects
    predicates: np.ndarray  # (R,) 0-based predicates

    @property
    def triplets(self) -> np.ndarray:
        """(R, 3) int64 [subject class, object class, predicate]."""
        classes = self.labels[self.pairs]  # (R, 2)
        return np.column_stack([classes, self.predicates]).astype(np.int64)


class PredictedGraph(NamedTuple):
    """The prediction for one image: N objects, K pairs, P predicates."""

    boxes: np.ndarray  # (N, 4) original-image pixels
    labels: np.ndarray  # (N,) 0-based classes
    scores: np.ndarray  # (N,)
    pairs: np.ndarray  # (K, 2) rows [subject, object] of the objects
    predicate_scores: np.ndarray  # (K, P) foreground probabilities
    pair_scores: np.ndarray | None = None  # (K,); None: best pair first


def graph_ranks(
    predicted: PredictedGraph,
    true: TrueGraph,
    rankings: tuple[str, ...],
    k: int,
    iou_thr: float = 0.5,
) -> dict[str, np.ndarray]:
    """Rank of the first triplet that hits each true relation.

    The rankings differ in which triplets are judged, in which order:

    - ``'constrained'``: the best predicate of each pair (R, mR, zR);
    - ``'unconstrained'``: every predicate of every pair (ng-R, ng-mR, ng-zR);
    - ``'annotated'``: as constrained, but only the pairs that have a relation
      in the annotation (A). It compares pairs by row number, so the predicted
      objects must be the annotated ones, as in predcls and sgcls.

    Args:
        predicted: The prediction.
        true: The annotation.
        rankings: Which rankings to make.
        k: How many triplets to judge in each.
        iou_thr: The least overlap of both boxes, inclusive.

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
    object_match = match_objects(
        predicted.boxes, predicted.labels, true.boxes, true.labels, iou_thr
    )
    ranks = {}
    for ranking in rankings:
        rows, predicates = _RANKINGS[ranking](predicted, true, k)
        hits = match_triplets(
            object_match,
            predicted.pairs[rows],
            predicates,
            true.pairs,
            true.predicates,
        )
        ranks[ranking] = first_hits(hits)
    return ranks


def _constrained(
    predicted: PredictedGraph, true: TrueGraph, k: int
) -> tuple[np.ndarray, np.ndarray]:
    return rank_pairs(predicted.predicate_scores, k, predicted.pair_scores)


def _unconstrained(
    predicted: PredictedGraph, true: TrueGraph, k: int
) -> tuple[np.ndarray, np.ndarray]:
    return rank_candidates(
        predicted.scores, predicted.pairs, predicted.predicate_scores, k
    )


def _annotated(
    predicted: PredictedGraph, true: TrueGraph, k: int
) -> tuple[np.ndarray, np.ndarray]:
    num_objects = len(true.boxes)
    if len(predicted.pairs) and len(predicted.boxes) != num_objects:
        raise ValueError(
            f'A compares pairs by row number, but {len(predicted.boxes)} '
            f'objects are predicted where {num_objects} are annotated. It is '
            'for predcls and sgcls; leave it out for sgdet.'
        )
    is_annotated = np.zeros((num_objects, num_objects), dtype=bool)
    is_annotated[true.pairs[:, 0], true.pairs[:, 1]] = True
    kept = np.flatnonzero(
        is_annotated[predicted.pairs[:, 0], predicted.pairs[:, 1]]
    )
    scores = predicted.pair_scores
    rows, predicates = rank_pairs(
        predicted.predicate_scores[kept],
        k,
        None if scores is None else scores[kept],
    )
    return kept[rows], predicates


_RANKINGS = {
    'constrained': _constrained,
    'unconstrained': _unconstrained,
    'annotated': _annotated,
}
