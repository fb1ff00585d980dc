"""How well the boxes of a triplet cover those of a relation."""

import numpy as np

from .box_overlap import box_iou


def pair_overlap(
    boxes: np.ndarray,
    pairs: np.ndarray,
    gt_boxes: np.ndarray,
    gt_pairs: np.ndarray,
) -> np.ndarray:
    """The smaller one of the overlaps of the subjects and of the objects.

    Args:
        boxes: (N, 4) predicted boxes in original-image pixels.
        pairs: (K, 2) rows [subject, object] of the N predicted objects.
        gt_boxes: (G, 4) ground-truth boxes in original-image pixels.
        gt_pairs: (R, 2) rows of the G ground-truth objects.

    Returns:
        (K, R) float64 in [0, 1].

    Examples:
        >>> import numpy as np
        >>> gt_boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 4]])
        >>> pair = np.array([[0, 1]])
        >>> pair_overlap(boxes, pair, gt_boxes, pair)
        array([[0.5]])
    """
    overlap = box_iou(boxes, gt_boxes)  # (N, G)
    return np.minimum(
        overlap[pairs[:, :1], gt_pairs[:, 0]],
        overlap[pairs[:, 1:], gt_pairs[:, 1]],
    )


def phrase_overlap(
    boxes: np.ndarray,
    pairs: np.ndarray,
    gt_boxes: np.ndarray,
    gt_pairs: np.ndarray,
) -> np.ndarray:
    """The overlap of the boxes around subject and object together.

    Args:
        boxes: (N, 4) predicted boxes in original-image pixels.
        pairs: (K, 2) rows [subject, object] of the N predicted objects.
        gt_boxes: (G, 4) ground-truth boxes in original-image pixels.
        gt_pairs: (R, 2) rows of the G ground-truth objects.

    Returns:
        (K, R) float64 in [0, 1].

    Examples:
        >>> import numpy as np
        >>> gt_boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
        >>> boxes = np.array([[0, 0, 4, 4], [15, 0, 29, 9]])
        >>> pair = np.array([[0, 1]])
        >>> phrase_overlap(boxes, pair, gt_boxes, pair)
        array([[1.]])
    """
    return box_iou(union_boxes(boxes, pairs), union_boxes(gt_boxes, gt_pairs))


def union_boxes(boxes: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The smallest box around both objects of each pair.

    Args:
        boxes: (N, 4) boxes [x1, y1, x2, y2] in pixels of some frame.
        pairs: (K, 2) rows [subject, object] of the boxes.

    Returns:
        (K, 4) boxes in the same frame.

    Examples:
        >>> import numpy as np
        >>> boxes = np.array([[0, 5, 9, 9], [7, 0, 8, 12]])
        >>> union_boxes(boxes, np.array([[0, 1]]))
        array([[ 0,  0,  9, 12]])
    """
    subjects, objects = boxes[pairs[:, 0]], boxes[pairs[:, 1]]
    top_left = np.minimum(subjects[:, :2], objects[:, :2])
    bottom_right = np.maximum(subjects[:, 2:], objects[:, 2:])
    return np.concatenate([top_left, bottom_right], axis=1)
