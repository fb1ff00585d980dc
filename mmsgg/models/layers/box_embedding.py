"""Where an object is, as a feature of it."""

import torch
from torch import Tensor, nn

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
