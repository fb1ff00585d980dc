"""Which detection stands for which annotated object of an image."""

from typing import NamedTuple

import numpy as np

from mmsgg.structures.bbox import box_ious, union_boxes

from .masks import mask_ious, union_masks
from .rules import Rules
from .scene_graphs import PredictedGraph, TrueGraph


class GraphMatch(NamedTuple):
    """Both graphs of an image: N detections, G annotated objects."""

    predicted: PredictedGraph
    true: TrueGraph
    rules: Rules
    same_class: np.ndarray  # (N, G) bool
    overlaps: np.ndarray  # (N, G) in [0, 1]
    objects: np.ndarray  # (N, G) bool, which stands for which

    def pair_overlaps(self, pairs: np.ndarray) -> np.ndarray:
        """The smaller overlap (K, R) of both ends of pairs (K, 2)."""
        rows = self.true.pairs
        return np.minimum(
            self.overlaps[pairs[:, :1], rows[:, 0]],
            self.overlaps[pairs[:, 1:], rows[:, 1]],
        )

    def phrase_overlaps(self, pairs: np.ndarray) -> np.ndarray:
        """Overlap (K, R) of what is around both ends of pairs (K, 2).

        Of boxes that is the smallest box around both, of masks all pixels of
        either.
        """
        if not self.rules.masks:
            return box_ious(
                union_boxes(*self.predicted.boxes[pairs.T]),
                union_boxes(*self.true.boxes[self.true.pairs.T]),
                last_pixel=self.rules.last_pixel,
            )
        if len(pairs) == 0 or len(self.true.pairs) == 0:
            return np.zeros((len(pairs), len(self.true.pairs)))
        return mask_ious(
            union_masks(self.predicted.masks or [], pairs),
            union_masks(self.true.masks or [], self.true.pairs),
        )

    def passes(self, overlaps: np.ndarray) -> np.ndarray:
        """Where overlaps are enough for a hit."""
        if self.rules.strict:
            return overlaps > self.rules.iou_thr
        return overlaps >= self.rules.iou_thr


def match_graphs(
    predicted: PredictedGraph, true: TrueGraph, rules: Rules | None = None
) -> GraphMatch:
    """Match the objects of both graphs.

    Args:
        predicted: The prediction.
        true: The annotation.
        rules: What overlaps, how much, and how often; those of neural-motifs
            by default.

    Examples:
        >>> import numpy as np
        >>> none = np.zeros((0, 2), dtype=int)
        >>> boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 8]])
        >>> labels = np.array([3, 3])
        >>> predicted = PredictedGraph(
        ...     boxes, labels, np.ones(2), none, np.zeros((0, 4)))
        >>> true = TrueGraph(boxes[:1], labels[:1], none, none[:, 0])
        >>> match_graphs(predicted, true).objects.tolist()
        [[True], [True]]
        >>> rules = Rules(assignment='one-to-one')
        >>> match_graphs(predicted, true, rules).objects.tolist()
        [[True], [False]]
    """
    rules = rules or Rules()
    if rules.masks:
        overlaps = mask_ious(predicted.masks or [], true.masks or [])
    else:
        overlaps = box_ious(
            predicted.boxes, true.boxes, last_pixel=rules.last_pixel
        )
    same_class = np.equal.outer(predicted.labels, true.labels)
    match = GraphMatch(
        predicted, true, rules, same_class, overlaps, same_class
    )
    objects = same_class & match.passes(overlaps)
    if rules.assignment != 'all':
        objects &= best_of_each(np.where(objects, overlaps, -1))
    if rules.assignment == 'one-to-one':
        objects &= best_of_each(np.where(objects, overlaps, -1).T).T
    return match._replace(objects=objects)


def best_of_each(overlaps: np.ndarray) -> np.ndarray:
    """The highest of each row, the first of equals.

    Args:
        overlaps: (n, m).

    Returns:
        (n, m) bool with one true value a row; none where m = 0.

    Examples:
        >>> import numpy as np
        >>> best_of_each(np.array([[0.2, 0.7, 0.7]]))
        array([[False,  True, False]])
    """
    best = np.zeros(overlaps.shape, dtype=bool)
    if overlaps.size:
        best[np.arange(len(best)), overlaps.argmax(1)] = True
    return best
