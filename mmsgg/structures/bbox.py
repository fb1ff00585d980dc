"""Arithmetic of boxes [x1, y1, x2, y2]: the only copy of the package.

The last pixel belongs to a box: widths and heights are ``x2 - x1 + 1``, the
convention of neural-motifs, linknet-pytorch and Scene-Graph-Benchmark, in
training and in evaluation. Where it is otherwise the docstring says so.

Models pass tensors, evaluation and data sets pass numpy arrays. Of arrays
:func:`box_ious` makes float64, so that no relation is hit or missed by
rounding; mmdet's ``bbox_overlaps`` with ``use_legacy_coordinate`` rounds to
float32.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

Boxes = TypeVar('Boxes', Tensor, np.ndarray)


def box_sizes(boxes: Tensor) -> Tensor:
    """Width and height (K, 2) of boxes (K, 4), at least 1."""
    return (boxes[:, 2:] - boxes[:, :2] + 1).clamp(min=1)


def intersection_areas(
    boxes: Boxes, others: Boxes, last_pixel: int = 1
) -> Boxes:
    """Area that each box shares with each other box.

    Args:
        boxes: (n, 4) boxes in pixels of some frame.
        others: (m, 4) boxes in the same frame.
        last_pixel: 1 where the last pixel belongs to a box, else 0.

    Returns:
        (n, m) areas, 0 where the boxes are apart.

    Examples:
        >>> intersection_areas(
        ...     np.array([[0, 0, 9, 9]]), np.array([[5, 0, 14, 9]]))
        array([[50]])
    """
    xp = _namespace(boxes)
    # axis by axis: numpy is slow to go along an axis of two
    rows, columns = boxes.T[:, :, None], others.T[:, None]
    width, height = (
        xp.minimum(rows[axis + 2], columns[axis + 2])
        - xp.maximum(rows[axis], columns[axis])
        + last_pixel
        for axis in (0, 1)
    )
    return width.clip(min=0) * height.clip(min=0)


def box_ious(
    boxes: Boxes,
    others: Boxes,
    dtype: type = np.float64,
    last_pixel: int = 1,
) -> Boxes:
    """Intersection over union of each box with each other box.

    Args:
        boxes: (n, 4) boxes in pixels of some frame.
        others: (m, 4) boxes in the same frame.
        dtype: What arrays are computed in; tensors keep theirs.
        last_pixel: 1 where the last pixel belongs to a box, else 0.

    Returns:
        (n, m) in [0, 1]; 0 where a box has no area.

    Examples:
        >>> box_ious(
        ...     np.array([[0, 0, 9, 9]]),
        ...     np.array([[0, 0, 9, 9], [0, 5, 9, 14], [10, 0, 19, 9]]))
        array([[1.        , 0.33333333, 0.        ]])
    """
    if isinstance(boxes, np.ndarray):
        boxes, others = boxes.astype(dtype), others.astype(dtype)
    common = intersection_areas(boxes, others, last_pixel)
    areas, other_areas = _areas(boxes, last_pixel), _areas(others, last_pixel)
    union = areas[:, None] + other_areas - common
    # where the union is 0, so is the area in common
    return common / _namespace(boxes).where(union > 0, union, 1)


def boxes_overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Say which boxes share an area with their counterparts.

    Here the last pixel does not belong to a box.

    Args:
        boxes: (..., 4) boxes in pixels of some frame.
        others: (..., 4) boxes in the same frame.

    Returns:
        (...) bool; boxes that only touch do not overlap.
    """
    top_left = np.maximum(boxes[..., :2], others[..., :2])
    bottom_right = np.minimum(boxes[..., 2:], others[..., 2:])
    return (top_left < bottom_right).all(axis=-1)


def union_boxes(subjects: Boxes, objects: Boxes) -> Boxes:
    """Smallest boxes (K, 4) around both of two (K, 4) boxes.

    Examples:
        >>> union_boxes(np.array([[0, 5, 9, 9]]), np.array([[7, 0, 8, 12]]))
        array([[ 0,  0,  9, 12]])
    """
    xp = _namespace(subjects)
    return xp.concatenate(
        [
            xp.minimum(subjects[:, :2], objects[:, :2]),
            xp.maximum(subjects[:, 2:], objects[:, 2:]),
        ],
        1,
    )


def image_size(img_shape: Sequence[int], like: Tensor) -> Tensor:
    """Width, height, width, height of an image; in float32, half rounds it."""
    height, width = img_shape[:2]
    return like.new_tensor([width, height] * 2, dtype=torch.float32)


def relative_geometry(subjects: Tensor, objects: Tensor) -> Tensor:
    """Where and how large an object is, seen from its subject.

    Args:
        subjects: (K, 4) boxes [x1, y1, x2, y2] in pixels of any one frame.
        objects: (K, 4) boxes in the same frame.

    Returns:
        (K, 4) ``[(xj - xi) / wi, (yj - yi) / hi, log(wj / wi),
        log(hj / hi)]`` of box centres and sizes, i the subject. Widths and
        heights count pixels inclusively (+1), so a box without area is fine.
    """
    size_i, size_j = box_sizes(subjects), box_sizes(objects)
    centre_i = subjects[:, :2] + size_i / 2
    centre_j = objects[:, :2] + size_j / 2
    return torch.cat(
        [(centre_j - centre_i) / size_i, torch.log(size_j / size_i)], dim=1
    )


def image_geometry(boxes: Tensor, image_sizes: Tensor) -> Tensor:
    """Where and how large a box is in its image (Scene-Graph-Benchmark).

    Args:
        boxes: (N, 4) boxes [x1, y1, x2, y2] in pixels of some frame.
        image_sizes: (N, 2) width and height of the image of each, in the same
            frame, without padding.

    Returns:
        (N, 9) ``[w / W, h / H, cx / W, cy / H, x1 / W, y1 / H, x2 / W,
        y2 / H, w h / (W H)]``; widths and heights count pixels inclusively
        (+1), and the centre is x1 + w / 2.
    """
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    shares = sizes / image_sizes
    centres = boxes[:, :2] + sizes / 2
    return torch.cat(
        [
            shares,
            centres / image_sizes,
            boxes[:, :2] / image_sizes,
            boxes[:, 2:] / image_sizes,
            shares.prod(dim=1, keepdim=True),
        ],
        dim=1,
    )


def detailed_geometry(subjects: Tensor, objects: Tensor) -> Tensor:
    """Say of two boxes also how they overlap, how far apart and how slim.

    Not of the paper. Like its b, nothing here depends on where in the image
    the boxes are, nor on the scale of the image.

    Args:
        subjects: (K, 4) boxes [x1, y1, x2, y2] in pixels of any one frame.
        objects: (K, 4) boxes in the same frame.

    Returns:
        (K, 15), of each number x its sign * log(1 + |x|): the four of
        :func:`relative_geometry`; centre offset seen from the object, and by
        the sum of both sizes; overlap along x and y by the smaller size,
        below 0 where the boxes are apart; IoU; shares of the subject and of
        the object that the other covers; log of width / height of both.
    """
    size_i, size_j = box_sizes(subjects), box_sizes(objects)
    seen_from_subject = relative_geometry(subjects, objects)
    offset = seen_from_subject[:, :2] * size_i
    upper = torch.minimum(subjects[:, 2:], objects[:, 2:])
    lower = torch.maximum(subjects[:, :2], objects[:, :2])
    extent = upper - lower + 1
    common = extent.clamp(min=0).prod(dim=1, keepdim=True)
    area_i, area_j = (s.prod(dim=1, keepdim=True) for s in (size_i, size_j))
    numbers = [
        seen_from_subject,
        offset / size_j,
        offset / (size_i + size_j),
        extent / torch.minimum(size_i, size_j),
        common / (area_i + area_j - common),
        common / area_i,
        common / area_j,
        torch.log(size_i[:, :1] / size_i[:, 1:]),
        torch.log(size_j[:, :1] / size_j[:, 1:]),
    ]
    layout = torch.cat(numbers, dim=1)
    return layout.sign() * layout.abs().log1p()


def _areas(boxes: Boxes, last_pixel: int) -> Boxes:
    """Areas (n,) of boxes (n, 4), 0 where the corners are swapped."""
    sides = (boxes[:, 2:] - boxes[:, :2] + last_pixel).clip(min=0)
    return sides[:, 0] * sides[:, 1]


def _namespace(boxes: Tensor | np.ndarray) -> Any:
    """The library whose functions take such boxes."""
    return torch if isinstance(boxes, Tensor) else np
