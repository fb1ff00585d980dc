"""The true and the predicted scene graph of one image, as arrays."""

from typing import NamedTuple

import numpy as np


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
