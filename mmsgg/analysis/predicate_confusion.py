"""Which predicates a model takes for which."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from mmsgg.evaluation.functional import (
    PredictedGraph,
    TrueGraph,
    match_objects,
    predicted_graph,
    rank_pairs,
    true_graph,
)


class PredicateConfusion(NamedTuple):
    """The annotated relations by what was predicted for their pair."""

    counts: np.ndarray  # (P, P + 1) true x predicted; the last: not ranked
    not_found: np.ndarray  # (P,) relations of which an object was not found

    @property
    def shares(self) -> np.ndarray:
        """(P, P + 1) each row of the counts as parts of 1, 0 if empty."""
        totals = self.counts.sum(1, keepdims=True)
        return self.counts / np.maximum(totals, 1)


def predicate_confusion(
    samples: Iterable[Mapping[str, Any]],
    num_predicates: int,
    iou_thr: float = 0.5,
) -> PredicateConfusion:
    """Compare annotated predicates with the best predicted ones.

    An annotated relation is judged where both its objects are found: there
    is a detection of the same class that overlaps, by the rule of the
    metrics. Of the pairs of such detections the one ranked first says what
    was predicted, by its most probable predicate. A pair with two
    annotations is judged twice, so that at least one is off the diagonal.

    Args:
        samples: Of :func:`mmsgg.evaluation.read_samples`.
        num_predicates: P.
        iou_thr: The least overlap of the boxes.

    Returns:
        The counts. In the last column are those whose pair is not among the
        predictions; files of ``DumpSceneGraphs`` hold the best pairs only.
    """
    shape = num_predicates, num_predicates + 1
    counts = np.zeros(shape, np.int64)
    not_found = np.zeros(num_predicates, np.int64)
    for sample in samples:
        true, predicted = true_graph(sample), predicted_graph(sample)
        found, answers = _answers(true, predicted, num_predicates, iou_thr)
        np.add.at(counts, (true.predicates[found], answers[found]), 1)
        np.add.at(not_found, true.predicates[~found], 1)
    return PredicateConfusion(counts, not_found)


def _answers(
    true: TrueGraph,
    predicted: PredictedGraph,
    num_predicates: int,
    iou_thr: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether both objects are found (R,) and the predicate (R,) or P."""
    match = match_objects(
        predicted.boxes, predicted.labels, true.boxes, true.labels, iou_thr
    )
    found = match.any(0)[true.pairs].all(1)
    answers = np.full(len(found), num_predicates)
    if len(predicted.pairs) == 0:
        return found, answers
    rows, predicates = rank_pairs(
        predicted.predicate_scores, len(predicted.pairs), predicted.pair_scores
    )
    subjects, objects = predicted.pairs[rows].T
    fits = match[subjects][:, true.pairs[:, 0]]  # (K, R)
    fits = fits & match[objects][:, true.pairs[:, 1]]
    ranked = fits.any(0)
    answers[ranked] = predicates[fits.argmax(0)[ranked]]
    return found, answers
