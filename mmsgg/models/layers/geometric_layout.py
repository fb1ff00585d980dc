"""Geometric layout encoding of box pairs (LinkNet eq. 8)."""

import torch
from torch import Tensor, nn

from mmsgg.registry import MODELS

from .batch_norm import RobustBatchNorm1d


def box_sizes(boxes: Tensor) -> Tensor:
    """Width and height (K, 2) of boxes (K, 4), both border pixels counted."""
    return (boxes[:, 2:] - boxes[:, :2] + 1).clamp(min=1)


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


@MODELS.register_module()
class GeometricLayout(nn.Module):
    """K2 b of the paper: batch norm, fc, ReLU and dropout on the layout b.

    Args:
        out_channels: Width of the encoding.
        dropout: Probability of dropping a channel in training.
        detailed: Whether b is the 15 numbers of :func:`detailed_geometry`
            and not the four of the paper.
    """

    def __init__(
        self,
        out_channels: int = 128,
        dropout: float = 0.1,
        detailed: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.geometry = detailed_geometry if detailed else relative_geometry
        numbers = 15 if detailed else 4
        # momentum of neural-motifs and linknet-pytorch
        self.norm = RobustBatchNorm1d(numbers, momentum=0.001)
        self.fc = nn.Linear(numbers, out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, subjects: Tensor, objects: Tensor) -> Tensor:
        """Encode K pairs of boxes, both (K, 4), as (K, out_channels)."""
        layout = self.norm(self.geometry(subjects, objects))
        return self.dropout(torch.relu(self.fc(layout)))
