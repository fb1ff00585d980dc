"""The decoder of RelTR: queries that are triplets.

Axes: B images, HW places of the map, L layers, Q entity and T triplet
queries, d channels.
"""

from typing import NamedTuple

import torch
from mmcv.cnn.bricks.transformer import FFN
from mmengine.model import BaseModule
from torch import Tensor, nn


class TripletStates(NamedTuple):
    """What :class:`TripletDecoder` gives, of each of its L layers."""

    subjects: Tensor  # L, B, T, d
    objects: Tensor  # L, B, T, d
    attention: Tensor  # L, B, T, 2, HW; no gradient


class TripletDecoder(BaseModule):
    """Turns T learned queries into subjects and objects of an image.

    A layer lets the 2T subjects and objects look at each other, then at the
    image, then at the entities that the same layer of the detector's decoder
    found. In RelTR the two decoders take turns; as the entities never look
    at the triplets, they may as well be done before.

    Args:
        num_triplets: Queries T.
        num_layers: Layers L, as many as the detector's decoder has.
        embed_dims: Channels d.
        num_heads: Heads of each attention.
        feedforward_channels: Hidden channels of the feed-forward networks.
        dropout: Of attention weights, feed-forward networks and residuals.
        init_cfg: Initialisation, mmengine's.
    """

    def __init__(
        self,
        num_triplets: int = 200,
        num_layers: int = 6,
        embed_dims: int = 256,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dropout: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims = embed_dims
        # position, content of the subject, content of the object
        self.triplet_embedding = nn.Embedding(num_triplets, 3 * embed_dims)
        self.role_embedding = nn.Embedding(2, embed_dims)
        self.layers = nn.ModuleList(
            TripletDecoderLayer(
                embed_dims, num_heads, feedforward_channels, dropout
            )
            for _ in range(num_layers)
        )

    def init_weights(self) -> None:
        """Start as DETR does."""
        super().init_weights()
        for weight in self.layers.parameters():
            if weight.dim() > 1:
                nn.init.xavier_uniform_(weight)

    def forward(
        self,
        memory: Tensor,
        memory_pos: Tensor,
        memory_mask: Tensor | None,
        entities: Tensor,
    ) -> TripletStates:
        """Decode the triplets of a batch.

        Args:
            memory: (B, HW, d) what the encoder gave.
            memory_pos: (B, HW, d) its position code.
            memory_mask: (B, HW) bool, true where the batch is padded, or
                None.
            entities: (L, B, Q, d) what each decoder layer of the detector
                gave.
        """
        queries = self.triplet_embedding.weight.repeat(len(memory), 1, 1)
        pos, *states = queries.split(self.embed_dims, dim=2)
        image = memory + memory_pos, memory, memory_mask
        layers = []
        for layer, found in zip(self.layers, entities, strict=True):
            *states, attention = layer(
                states, pos, self.role_embedding.weight, image, found
            )
            layers.append((*states, attention))
        return TripletStates(*map(torch.stack, zip(*layers, strict=True)))


class TripletDecoderLayer(nn.Module):
    """One layer of :class:`TripletDecoder`, of whose arguments it is made."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(
            embed_dims, num_heads, dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(embed_dims)
        self.subject, self.object = (
            RoleLayer(embed_dims, num_heads, feedforward_channels, dropout)
            for _ in range(2)
        )

    def forward(
        self,
        states: list[Tensor],
        pos: Tensor,
        roles: Tensor,
        image: tuple[Tensor, Tensor, Tensor | None],
        entities: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Move on by one layer.

        Args:
            states: Subjects and objects, each (B, T, d).
            pos: (B, T, d) position code, the same for both.
            roles: (2, d) what tells subjects from objects.
            image: Keys and values (B, HW, d) of the image, and where it is
                padding (B, HW), or None.
            entities: (B, Q, d).

        Returns:
            Subjects and objects, each (B, T, d), and where they looked
            (B, T, 2, HW), without gradient.
        """
        both = torch.cat(states, dim=1)
        keys = both + torch.cat([pos + role for role in roles], dim=1)
        update, _ = self.self_attn(keys, keys, both, need_weights=False)
        both = self.norm(both + self.dropout(update))
        subjects, objects = both.chunk(2, dim=1)
        subjects, of_subjects = self.subject(subjects, pos, image, entities)
        objects, of_objects = self.object(objects, pos, image, entities)
        maps = torch.stack([of_subjects, of_objects], dim=2)
        return subjects, objects, maps.detach()


class RoleLayer(nn.Module):
    """What subjects and objects do in a layer, each with their own weights."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        # torch's, as mmcv's hands out no attention weights
        self.image_attn, self.entity_attn = (
            nn.MultiheadAttention(
                embed_dims, num_heads, dropout, batch_first=True
            )
            for _ in range(2)
        )
        self.ffn = FFN(embed_dims, feedforward_channels, ffn_drop=dropout)
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(3))

    def forward(
        self,
        states: Tensor,
        pos: Tensor,
        image: tuple[Tensor, Tensor, Tensor | None],
        entities: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Look at the image, then at the entities (B, Q, d).

        The arguments are those of :class:`TripletDecoderLayer`, of one role.

        Returns:
            (B, T, d), and the attention (B, T, HW), averaged over the heads.
        """
        keys, values, padding = image
        update, attention = self.image_attn(
            states + pos, keys, values, key_padding_mask=padding
        )
        states = self.norms[0](states + self.dropout(update))
        update, _ = self.entity_attn(
            states + pos, entities, entities, need_weights=False
        )
        states = self.norms[1](states + self.dropout(update))
        return self.norms[2](self.ffn(states)), attention


def attention_map_encoder(*channels: int) -> nn.Sequential:
    """Make what turns two attention maps (n, 2, H, W) into a feature (n, c).

    Args:
        channels: Of two convolutions and two linear layers, the last of them
            c. RelTR has 64, 32, 512 and 128, whatever its d.
    """
    first, second, hidden, out = channels
    return nn.Sequential(
        nn.Upsample(size=(28, 28)),  # nearest
        nn.Conv2d(2, first, 3, stride=2, padding=3),  # 16 x 16
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(first),
        nn.MaxPool2d(3, stride=2, padding=1),  # 8 x 8
        nn.Conv2d(first, second, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(second),
        nn.Flatten(),
        nn.Linear(64 * second, hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, out),
    )
