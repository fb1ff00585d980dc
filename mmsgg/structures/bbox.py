"""Arithmetic of boxes [x1, y1, x2, y2] whose last pixel belongs to them.

Widths and heights are ``x2 - x1 + 1``, the convention of neural-motifs,
linknet-pytorch and Scene-Graph-Benchmark, in training and in evaluation.
"""

import torch
from torch import Tensor


def box_sizes(boxes: Tensor) -> Tensor:
    """Width and height (K, 2) of boxes (K, 4), at least 1."""
    return (boxes[:, 2:] - boxes[:, :2] + 1).clamp(min=1)


def box_ious(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU (n, m) of (n, 4) and (m, 4) boxes of one pixel frame."""
    lower = torch.maximum(boxes[:, None, :2], others[:, :2])
    upper = torch.minimum(boxes[:, None, 2:], others[:, 2:])
    common = (upper - lower + 1).clamp(min=0).prod(dim=-1)
    areas = [(x[:, 2:] - x[:, :2] + 1).prod(dim=1) for x in (boxes, others)]
    return common / (areas[0][:, None] + areas[1] - common)


def union_boxes(subjects: Tensor, objects: Tensor) -> Tensor:
    """Smallest boxes (K, 4) around both of two (K, 4) boxes."""
    return torch.cat(
        [
            torch.minimum(subjects[:, :2], objects[:, :2]),
            torch.maximum(subjects[:, 2:], objects[:, 2:]),
        ],
        dim=1,
    )


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
