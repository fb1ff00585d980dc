"""Where an object is, as a feature of it."""

import torch
from torch import Tensor, nn

from mmsgg.structures.bbox import image_geometry

from .batch_norm import RobustBatchNorm1d


class BoxEmbedding(nn.Module):
    """Batch norm, fc, ReLU and dropout on a box (neural-motifs).

    Args:
        out_channels: Width of the embedding.
        dropout: Probability of dropping a channel in training.
    """

    def __init__(self, out_channels: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        # momentum of neural-motifs
        self.norm = RobustBatchNorm1d(4, momentum=0.001)
        self.fc = nn.Linear(4, out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, bboxes: Tensor) -> Tensor:
        """Embed (N, 4) boxes in input-image pixels as (N, out_channels).

        The layer sees [centre x, centre y, width, height].
        """
        lower, upper = bboxes.split(2, dim=1)
        shape = torch.cat([(lower + upper) / 2, upper - lower], dim=1)
        return self.dropout(torch.relu(self.fc(self.norm(shape))))


class RelativeBoxEmbedding(nn.Sequential):
    """Two fc layers on where a box lies in its image.

    As of Scene-Graph-Benchmark: fc, batch norm, fc, ReLU (Motifs, VCTree and
    PE-Net), or fc, ReLU, dropout, fc, ReLU, dropout (its transformer).

    Args:
        out_channels: Width of the embedding.
        hidden_channels: Width between the layers.
        norm: Whether batch norm, and no ReLU, stands between them.
        dropout: Probability of dropping a channel in training, without norm.
    """

    def __init__(
        self,
        out_channels: int = 128,
        hidden_channels: int = 32,
        norm: bool = True,
        dropout: float = 0.1,
    ) -> None:
        between: list[nn.Module] = [nn.ReLU(), nn.Dropout(dropout)]
        behind = [*between]
        if norm:
            between = [RobustBatchNorm1d(hidden_channels, momentum=0.001)]
            behind = [nn.ReLU()]
        super().__init__(
            nn.Linear(9, hidden_channels),
            *between,
            nn.Linear(hidden_channels, out_channels),
            *behind,
        )

    def forward(  # type: ignore[override]
        self, bboxes: Tensor, image_sizes: Tensor
    ) -> Tensor:
        """Embed (N, 4) boxes as (N, out_channels).

        Args:
            bboxes: (N, 4), input-image pixels.
            image_sizes: (N, 2) width and height of the image of each.
        """
        return super().forward(image_geometry(bboxes, image_sizes))
