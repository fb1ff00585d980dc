"""How far the classes of two boxes alone lead."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from mmengine.utils import track_iter_progress

from .functional import PredictedGraph, TrueGraph, hit_ranks, image_recall

if TYPE_CHECKING:
    # at run time the evaluation needs no data set
    from mmsgg.datasets import SceneGraphArrays


def prior_probabilities(counts: np.ndarray) -> np.ndarray:
    """Turn counts into probabilities of the predicates.

    As FREQ of neural-motifs: one unrelated pair more, so that a pair of
    classes that was never seen is most probably unrelated.

    Args:
        counts: (C, C, P + 1) of
            :func:`~mmsgg.datasets.count_relations`, unrelated pairs last.

    Returns:
        (C, C, P) P(predicate | subject class, object class), the background
        dropped and not made up for.
    """
    counts = counts.astype(np.float64)
    counts[..., -1] += 1
    return counts[..., :-1] / counts.sum(axis=-1, keepdims=True)


def prior_recall(
    probabilities: np.ndarray,
    graphs: SceneGraphArrays,
    topk: Sequence[int] = (20, 50, 100),
    progress: bool = False,
) -> dict[str, float]:
    """Measure R@K of the prior in predcls: boxes and classes are given.

    Args:
        probabilities: (C, C, P) of :func:`prior_probabilities`.
        graphs: Scene graphs to recall.
        topk: The numbers K of triplets that an image may give.
        progress: Whether to show on stderr how far it is.

    Returns:
        ``'R@20'`` and so on, fractions; nan where no image has a relation.
    """
    images = np.flatnonzero(graphs.relation_counts)
    ranks = [
        _image_ranks(probabilities, graphs, image, max(topk))
        for image in (
            track_iter_progress((images, len(images)), file=sys.stderr)
            if progress
            else images
        )
    ]
    flat = np.concatenate([np.zeros(0, dtype=np.int64), *ranks])
    of_image = np.repeat(images, graphs.relation_counts[images])
    return {f'R@{k}': image_recall(flat, of_image, k) for k in topk}


def _image_ranks(
    probabilities: np.ndarray, graphs: SceneGraphArrays, image: int, k: int
) -> np.ndarray:
    """Rank the relations (R,) of an image."""
    first, last = graphs.box_starts[image : image + 2]
    boxes, labels = graphs.boxes[first:last], graphs.labels[first:last]
    pairs = np.argwhere(~np.eye(len(labels), dtype=bool))  # (K, 2)
    scores = probabilities[tuple(labels[pairs].T)]  # (K, P)
    rows = slice(*graphs.relation_starts[image : image + 2])
    predicted = PredictedGraph(
        boxes, labels, np.ones(len(labels)), pairs, scores, scores.max(axis=1)
    )
    true = TrueGraph(
        boxes, labels, graphs.pairs[rows], graphs.predicates[rows]
    )
    return hit_ranks(predicted, true, ('constrained',), k)['constrained']
