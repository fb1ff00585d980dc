"""What recall needs no picture: the yardsticks of the toy data set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmsgg.datasets import TOY_CLASSES, TOY_PREDICATES


@dataclass(frozen=True)
class Graph:
    """A scene as labels.

    Args:
        labels: (N,) classes.
        relations: (R, 3) [subject, object, predicate], the first two count
            objects.
    """

    labels: np.ndarray
    relations: np.ndarray

    def pairs(self) -> np.ndarray:
        """List the related pairs (K, 2), each once."""
        return np.unique(self.relations[:, :2], axis=0)


def label_prior_recall(
    train: Sequence[Graph], test: Sequence[Graph], top: int
) -> float | None:
    """Predict for each pair the most frequent predicate of its classes.

    Pairs are ranked by the frequency of that predicate among all training
    pairs of these classes, unrelated ones included.

    Args:
        train: Graphs to count.
        test: Graphs to score, their objects given.
        top: How many pairs of an image count.

    Returns:
        Mean over images with relations of the share of relations found; None
        if there is no such image.
    """
    counts = _count(train)
    frequencies = counts / np.maximum(counts.sum(-1, keepdims=True), 1)
    best, scores = frequencies[..., :-1].argmax(-1), frequencies[..., :-1]
    scores = scores.max(-1)
    recalls = []
    for graph in test:
        pairs = _ordered_pairs(len(graph.labels))
        classes = tuple(graph.labels[pairs].T)
        order = np.argsort(-scores[classes], kind='stable')[:top]
        rows = np.column_stack([pairs, best[classes]])[order]
        found = {tuple(row) for row in rows.tolist()}
        recalls.append([tuple(r) in found for r in graph.relations.tolist()])
    return _mean_recall(recalls)


def recall_ceiling(test: Sequence[Graph], top: int) -> float | None:
    """Recall of a perfect model that gives one predicate a pair.

    Args:
        test: Graphs to score.
        top: How many pairs of an image count.

    Returns:
        As :func:`label_prior_recall`.
    """
    recalls = []
    for graph in test:
        hits = min(len(graph.pairs()), top)
        recalls.append(np.arange(len(graph.relations)) < hits)
    return _mean_recall(recalls)


def _count(graphs: Sequence[Graph]) -> np.ndarray:
    """Count predicates by classes, (C, C, P + 1), unrelated pairs last."""
    size = len(TOY_CLASSES), len(TOY_CLASSES), len(TOY_PREDICATES) + 1
    counts = np.zeros(size, dtype=np.int64)
    for graph in graphs:
        pairs = _ordered_pairs(len(graph.labels))
        related = {tuple(pair) for pair in graph.pairs().tolist()}
        for i, j in pairs.tolist():
            if (i, j) not in related:
                counts[graph.labels[i], graph.labels[j], -1] += 1
        for i, j, predicate in graph.relations:
            counts[graph.labels[i], graph.labels[j], predicate] += 1
    return counts


def _ordered_pairs(count: int) -> np.ndarray:
    """List (K, 2) all pairs of different objects, in both directions."""
    return np.argwhere(~np.eye(count, dtype=bool))


def _mean_recall(hits: Sequence[Sequence[bool]]) -> float | None:
    recalls = [np.mean(row) for row in hits if len(row)]
    return float(np.mean(recalls)) if recalls else None
