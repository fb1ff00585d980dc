"""Which pairs of a prediction have to be kept to evaluate it later."""

import numpy as np

from .graphs import PredictedGraph, TrueGraph
from .ranking import stable_topk
from .triplet_orders import annotated_pairs, constrained


def needed_pairs(
    predicted: PredictedGraph, true: TrueGraph, k: int
) -> np.ndarray:
    """The pairs that can come among the first k triplets of any ranking.

    What the rankings judge is a subset of: the first k pairs by their
    scores, the k pairs whose best candidate scores highest, and, for A, the
    pairs that the annotation relates. With these pairs alone, in their
    order, every metric at K <= k is the same.

    Args:
        predicted: The prediction.
        true: The annotation.
        k: The largest K to be evaluated.

    Returns:
        (k',) rows of the pairs, ascending; k' is little more than k.

    Examples:
        >>> import numpy as np
        >>> predicted = PredictedGraph(
        ...     np.zeros((3, 4)), np.zeros(3), np.array([1.0, 1.0, 0.1]),
        ...     np.array([[0, 2], [0, 1], [1, 0]]),
        ...     np.array([[0.9, 0.1], [0.5, 0.4], [0.1, 0.2]]))
        >>> true = TrueGraph(
        ...     np.zeros((1, 4)), np.zeros(1), np.zeros((0, 2), int),
        ...     np.zeros(0, int))
        >>> needed_pairs(predicted, true, k=1)
        array([0, 1])
    """
    if predicted.predicate_scores.size == 0:
        return np.arange(0)
    subjects, objects = predicted.pairs.T
    scores = predicted.scores[subjects] * predicted.scores[objects]
    best = np.fmax.reduce(scores[:, None] * predicted.predicate_scores, axis=1)
    rows = [constrained(predicted, k)[0], stable_topk(best, k)]
    if len(predicted.boxes) == len(true.boxes):  # else nobody may ask for A
        rows.append(annotated_pairs(predicted, true))
    return np.unique(np.concatenate(rows))
