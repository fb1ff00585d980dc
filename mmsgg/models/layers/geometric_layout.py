"""Geometric layout encoding of box pairs (LinkNet eq. 8)."""

import torch
from torch import Tensor, nn

from mmsgg.registry import MODELS
from mmsgg.structures.bbox import detailed_geometry, relative_geometry

from .batch_norm import RobustBatchNorm1d


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
