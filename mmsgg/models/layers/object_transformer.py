"""A transformer encoder over the objects of each image."""

import torch
from torch import Tensor, nn

from .object_sequences import ObjectSequences


class ObjectTransformer(nn.Module):
    """A linear layer and :class:`torch.nn.TransformerEncoder` behind it.

    Objects have no order: nothing tells the encoder their positions, so that
    it permutes with them. Attention never crosses images.

    Args:
        in_channels: Width of an object's feature.
        out_channels: Width inside the encoder and behind it.
        num_layers: Layers.
        num_heads: Heads of a layer.
        feedforward_channels: Width between the two layers of its MLP.
        dropout: Probability of dropping, everywhere in a layer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_layers: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels)
        layer = nn.TransformerEncoderLayer(
            out_channels,
            num_heads,
            feedforward_channels,
            dropout,
            # F.relu would allow the fast path of inference, which torch 2.1
            # cannot run under the CPU's autocast
            activation=torch.relu,
            batch_first=True,
        )
        self.encoder = nn.TransformerEncoder(
            layer, num_layers, enable_nested_tensor=False
        )
        for parameter in self.encoder.parameters():
            if parameter.dim() > 1:  # else all layers start as copies of one
                nn.init.xavier_uniform_(parameter)

    def forward(self, x: Tensor, sequences: ObjectSequences) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels)."""
        encoded = self.encoder(
            sequences.pad(self.fc(x)), src_key_padding_mask=sequences.padding
        )
        return sequences.unpad(encoded)
