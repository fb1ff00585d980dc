"""Average precision of ranked candidates: Open Images and HICO-DET."""

import math
from typing import NamedTuple

import numpy as np

from .graph_match import GraphMatch
from .hit_ranks import triplet_scores
from .matching import match_triplets
from .ranking import rank_triplets

CANDIDATES = 100
"""How many candidates of an image count for average precision."""


class Candidates(NamedTuple):
    """The M candidates of one image, or of all of them."""

    predicates: np.ndarray  # (M,)
    scores: np.ndarray  # (M,)
    relations: np.ndarray  # (M,) bool, where both boxes find a relation
    phrases: np.ndarray  # (M,) bool, where the box around both does


def image_candidates(match: GraphMatch) -> Candidates:
    """The candidates of an image, as RelDN counts for Open Images.

    Each pair offers ``rules.predicates_per_pair`` predicates; the first
    :data:`CANDIDATES` that score more than ``rules.least_score`` count. Here
    an overlap must be more than ``rules.iou_thr``.

    Args:
        match: The objects of both graphs and the rules.

    Returns:
        The candidates, best first.

    Examples:
        >>> import numpy as np
        >>> from mmsgg.evaluation.functional import (
        ...     PredictedGraph, TrueGraph, match_graphs)
        >>> boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> pairs, labels = np.array([[0, 1]]), np.array([1, 2])
        >>> true = TrueGraph(boxes, labels, pairs, np.array([2]))
        >>> predicted = PredictedGraph(
        ...     boxes, labels, np.ones(2), pairs, np.array([[0.5, 0.1, 0.3]]))
        >>> image_candidates(match_graphs(predicted, true)).relations
        array([False])
    """
    predicted, true, rules = match.predicted, match.true, match.rules
    kept, predicates = rank_triplets(
        predicted, CANDIDATES, rules.predicates_per_pair
    )
    scores = triplet_scores(predicted, kept, predicates)
    enough = scores > rules.least_score
    kept, predicates, scores = kept[enough], predicates[enough], scores[enough]
    pairs = predicted.pairs[kept]
    fits = match_triplets(
        match.same_class, pairs, predicates, true.pairs, true.predicates
    )
    found = [
        true_positives(fits, overlaps, overlaps > rules.iou_thr)
        for overlaps in (
            match.pair_overlaps(pairs), match.phrase_overlaps(pairs)
        )
    ]  # fmt: skip
    return Candidates(predicates, scores, *found)


def true_positives(
    fits: np.ndarray, overlaps: np.ndarray, passes: np.ndarray
) -> np.ndarray:
    """Which candidates of an image find a relation that is still free.

    Of the relations that fit, a candidate takes the one that it overlaps
    most, the first of equals. There is no second choice: if that one is taken
    or overlaps too little, the candidate is false.

    Args:
        fits: (k, R) bool, candidates best first; where classes and predicate
            agree.
        overlaps: (k, R) in [0, 1].
        passes: (k, R) bool, where the overlap is enough.

    Returns:
        (k,) bool.

    Examples:
        >>> import numpy as np
        >>> overlaps = np.array([[0.8, 0.7], [0.9, 0.6], [0.4, 0.6]])
        >>> fits = np.ones((3, 2), dtype=bool)
        >>> true_positives(fits, overlaps, overlaps > 0.5)
        array([ True, False,  True])
    """
    found = np.zeros(len(fits), dtype=bool)
    if fits.size == 0:
        return found
    best = np.where(fits, overlaps, -1).argmax(axis=1)
    rows = np.arange(len(fits))
    good = np.flatnonzero((fits & passes)[rows, best])
    found[good[np.unique(best[good], return_index=True)[1]]] = True
    return found


def average_precision(
    scores: np.ndarray, found: np.ndarray, number: int, eleven: bool = False
) -> float:
    """Area under the curve of precision over recall, or mean of 11 points.

    At a recall the precision is the highest at it or a higher one. Of equal
    scores, what is false comes first, so that the order of images does not
    matter.

    Args:
        scores: (M,) scores of the candidates of one class of all images.
        found: (M,) bool, which are true.
        number: How many there are to find.
        eleven: Take the mean over the recalls 0, 0.1, ... 1 (PASCAL VOC until
            2007), not the area (from 2010 on). As in the programs for
            HICO-DET the recalls are ``np.arange(0, 1.1, 0.1)``, of which the
            fourth is a bit more than 3 / 10.

    Returns:
        A fraction; 0 where there is nothing to find.

    Examples:
        >>> import numpy as np
        >>> scores, found = np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1])
        >>> round(average_precision(scores, found, 2), 3)
        0.833
        >>> round(average_precision(scores, found, 2, eleven=True), 3)
        0.848
    """
    if number == 0 or len(scores) == 0:
        return 0.0
    found = found[np.lexsort((found, -scores))]
    hits = np.cumsum(found)
    precision = hits / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    if eleven:
        places = np.searchsorted(hits / number, np.arange(0, 1.1, 0.1))
        return math.fsum(np.append(highest, 0)[places]) / len(places)
    return math.fsum(highest[found.astype(bool)]) / number


def mean_average_precision(
    precisions: np.ndarray, rows: np.ndarray | None = None
) -> float:
    """Mean of the average precision of each predicate.

    Args:
        precisions: (P,) of :func:`average_precision`.
        rows: (P,) how many relations each has, which weigh it (Open Images'
            wmAP); alike by default.

    Returns:
        A fraction in which a predicate that never occurs counts 0, or has no
        weight; nan where ``rows`` sum up to 0.

    Examples:
        >>> import numpy as np
        >>> precisions, rows = np.array([0.5, 0.25, 0]), np.array([1, 3, 0])
        >>> mean_average_precision(precisions)
        0.25
        >>> mean_average_precision(precisions, rows)
        0.3125
    """
    if rows is None:
        return math.fsum(precisions) / len(precisions)
    total = float(np.sum(rows))
    return math.fsum(precisions * rows) / total if total else math.nan


def predicate_precisions(
    candidates: Candidates, rows: np.ndarray, phrases: bool = False
) -> np.ndarray:
    """Average precision of each predicate.

    Args:
        candidates: Those of all images.
        rows: (P,) how many relations each predicate has.
        phrases: Judge by the box around both.

    Returns:
        (P,) fractions, 0 where a predicate never occurs.
    """
    found = candidates.phrases if phrases else candidates.relations
    precisions = np.zeros(len(rows))
    for predicate in np.flatnonzero(rows):
        own = candidates.predicates == predicate
        precisions[predicate] = average_precision(
            candidates.scores[own], found[own], rows[predicate]
        )
    return precisions
