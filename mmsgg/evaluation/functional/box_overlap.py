"""Overlap of boxes in the +1 pixel convention of scene graph evaluation."""

import numpy as np


def box_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other box.

    Widths and heights count both border pixels, ``x2 - x1 + 1``, as the
    evaluators of neural-motifs and Scene-Graph-Benchmark do; mmdet's
    ``bbox_overlaps`` does not.

    Args:
        boxes: (N, 4) boxes [x1, y1, x2, y2] in pixels of some frame.
        others: (M, 4) boxes in pixels of the same frame.

    Returns:
        (N, M) float64 overlaps; 0 where a box has no area.

    Examples:
        >>> import numpy as np
        >>> box_iou(np.array([[0, 0, 9, 9]]),
        ...         np.array([[0, 0, 9, 9], [0, 5, 9, 14], [10, 0, 19, 9]]))
        array([[1.        , 0.33333333, 0.        ]])
    """
    a = np.asarray(boxes, dtype=np.float64).reshape(-1, 1, 4)
    b = np.asarray(others, dtype=np.float64).reshape(1, -1, 4)
    top_left = np.maximum(a[..., :2], b[..., :2])
    bottom_right = np.minimum(a[..., 2:], b[..., 2:])
    sides = np.clip(bottom_right - top_left + 1, 0, None)  # (N, M, 2)
    intersection = sides.prod(-1)
    union = _area(a) + _area(b) - intersection
    return np.divide(
        intersection, union, out=np.zeros_like(union), where=union > 0
    )


def _area(boxes: np.ndarray) -> np.ndarray:
    sides = np.clip(boxes[..., 2:] - boxes[..., :2] + 1, 0, None)
    return sides.prod(-1)
