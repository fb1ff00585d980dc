"""What SGBench measures beside recalls: objects, pairs, ranks of predicates.

Lorenz et al., "A Review and Efficient Implementation of Scene Graph
Generation Metrics" (CVPR workshops 2024).
"""

import numpy as np

from .graph_match import GraphMatch
from .hit_ranks import first_triplets
from .matching import first_hits


def instance_recall(match: GraphMatch) -> float:
    """Annotated objects that a detection stands for, related or not: InstR.

    Args:
        match: The objects of both graphs.

    Returns:
        A fraction of all annotated objects; nan where there is none.

    Examples:
        >>> import numpy as np
        >>> from mmsgg.evaluation.functional import (
        ...     PredictedGraph, TrueGraph, match_graphs)
        >>> boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> pairs = np.zeros((0, 2), dtype=int)
        >>> true = TrueGraph(boxes, np.array([1, 2]), pairs, pairs[:, 0])
        >>> predicted = PredictedGraph(
        ...     boxes, np.array([1, 1]), np.ones(2), pairs, np.zeros((0, 3)))
        >>> instance_recall(match_graphs(predicted, true))
        0.5
    """
    number = len(match.true.labels)
    return float(match.objects.any(axis=0).sum() / (number or np.nan))


def pair_ranks(match: GraphMatch, k: int) -> np.ndarray:
    """Rank of the first triplet that names each related pair: PairR.

    Its predicate does not count.

    Args:
        match: The objects of both graphs.
        k: How many triplets to judge, the best predicate of each pair.

    Returns:
        (Q,) int64 ranks from 0 of the different pairs, or ``NO_HIT``.
    """
    gt_pairs = np.unique(match.true.pairs, axis=0)  # (Q, 2)
    pairs, _ = first_triplets('constrained', match, k)
    return first_hits(
        match.objects[pairs[:, :1], gt_pairs[:, 0]]
        & match.objects[pairs[:, 1:], gt_pairs[:, 1]]
    )


def predicate_ranks(match: GraphMatch) -> np.ndarray:
    """At which place its predicate is among those of its pair: PRank.

    The predicates of a related pair are ranked by the best candidate of each
    among all predicted pairs that stand for it.

    Args:
        match: The objects of both graphs.

    Returns:
        (R,) places from 0; nan where no predicted pair stands for it.

    Examples:
        >>> import numpy as np
        >>> from mmsgg.evaluation.functional import (
        ...     PredictedGraph, TrueGraph, match_graphs)
        >>> boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> pairs, labels = np.array([[0, 1]]), np.array([1, 2])
        >>> true = TrueGraph(boxes, labels, pairs, np.array([2]))
        >>> predicted = PredictedGraph(
        ...     boxes, labels, np.ones(2), pairs, np.array([[0.5, 0.1, 0.3]]))
        >>> predicate_ranks(match_graphs(predicted, true))
        array([1.])
    """
    predicted, true = match.predicted, match.true
    ranks = np.full(len(true.predicates), np.nan)
    if predicted.predicate_scores.size == 0:
        return ranks
    stands_for = (  # (K, R)
        match.objects[predicted.pairs[:, :1], true.pairs[:, 0]]
        & match.objects[predicted.pairs[:, 1:], true.pairs[:, 1]]
    )
    for row in np.flatnonzero(stands_for.any(axis=0)):
        kept = np.flatnonzero(stands_for[:, row])
        ends = predicted.scores[predicted.pairs[kept]].prod(axis=1)
        scores = ends[:, None] * predicted.predicate_scores[kept]
        order = np.argsort(-scores.max(axis=0), kind='stable')
        ranks[row] = np.flatnonzero(order == true.predicates[row])[0]
    return ranks


def mean_predicate_rank(
    ranks: np.ndarray, images: np.ndarray, predicates: np.ndarray
) -> float:
    """Mean place of the predicates that were found: PRank; lower is better.

    The mean over the relations of one predicate in one image, then over all
    of those means; missed relations are not punished.

    Args:
        ranks: (M,) of :func:`predicate_ranks`, nan where missed.
        images: (M,) number of the image of each relation.
        predicates: (M,) predicate of each relation.

    Returns:
        The mean; nan where nothing was found.

    Examples:
        >>> import numpy as np
        >>> ranks = np.array([0, 4, 1, np.nan])
        >>> mean_predicate_rank(
        ...     ranks, np.array([0, 0, 1, 1]), np.array([3, 3, 3, 3]))
        1.5
    """
    found = np.flatnonzero(~np.isnan(ranks))
    if len(found) == 0:
        return float('nan')
    cells = np.column_stack([images[found], predicates[found]])
    inverse, sizes = np.unique(
        cells, axis=0, return_inverse=True, return_counts=True
    )[1:]
    sums = np.bincount(inverse.ravel(), ranks[found])
    means = np.sort(sums / sizes)  # of any order of images the same sum
    return float(means.mean())
