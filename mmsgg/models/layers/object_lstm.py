"""A bidirectional LSTM over the objects of each image."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .object_sequences import ObjectSequences


class ObjectLSTM(nn.LSTM):
    """:class:`torch.nn.LSTM`, both ways, never across images.

    Args:
        in_channels: Width of an object's feature.
        out_channels: Width of both directions together.
        num_layers: Layers.
        dropout: Probability of dropping a channel between layers.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_layers: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels // 2,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=True,
        )

    def forward(self, x: Tensor, sequences: ObjectSequences) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels).

        In float32, also under autocast: few processors have a bfloat16 LSTM.
        """
        with torch.autocast(x.device.type, enabled=False):
            packed = pack_padded_sequence(
                sequences.pad(x.float()),
                sequences.lengths,
                batch_first=True,
                enforce_sorted=False,
            )
            out, _ = super().forward(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        return sequences.unpad(out)
