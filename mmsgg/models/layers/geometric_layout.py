"""Geometric layout encoding of box pairs (LinkNet eq. 8)."""

import torch
from torch import Tensor, nn

from mmsgg.registry import MODELS

from .batch_norm import RobustBatchNorm1d


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
    size_i = (subjects[:, 2:] - subjects[:, :2] + 1).clamp(min=1)
    size_j = (objects[:, 2:] - objects[:, :2] + 1).clamp(min=1)
    centre_i = subjects[:, :2] + size_i / 2
    centre_j = objects[:, :2] + size_j / 2
    return torch.cat(
        [(centre_j - centre_i) / size_i, torch.log(size_j / size_i)], dim=1
    )


@MODELS.register_module()
class GeometricLayout(nn.Module):
    """K2 b of the paper: batch norm, fc, ReLU and dropout on the layout b.

    Args:
        out_channels: Width of the encoding.
        dropout: Probability of dropping a channel in training.
    """

    def __init__(self, out_channels: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        self.out_channels = out_channels
        # the momentum of neural-motifs and linknet-pytorch: pairs come in
        # hundreds an iteration, so statistics may move slowly
        self.norm = RobustBatchNorm1d(4, momentum=0.01)
        self.fc = nn.Linear(4, out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, subjects: Tensor, objects: Tensor) -> Tensor:
        """Encode K pairs of boxes, both (K, 4), as (K, out_channels)."""
        layout = self.norm(relative_geometry(subjects, objects))
        return self.dropout(torch.relu(self.fc(layout)))
