"""Neural motifs: LSTMs over the objects of an image (arXiv 1711.06640)."""

from math import sqrt
from typing import Any, Literal

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import LabelDecoder, ObjectLSTM, ObjectSequences
from mmsgg.registry import MODELS

from .context_rel_head import ContextRelHead

ORDERS = ('leftright', 'confidence', 'size')


@MODELS.register_module()
class MotifsRelHead(ContextRelHead):
    """Zellers et al. 2018: objects, then edges, read as sequences.

    In the symbols of :class:`ContextRelHead`::

        O1 = biLSTM(O0)
        O2 = LabelDecoder(O1)        each class given the one before it
        E  = biLSTM([K1 argmax(O2), O1])
        G0 = s_i * o_j * F_ij;  logits = W G0

    The LSTMs are torch's, where the authors' code has highway connections and
    alternates directions from layer to layer. One order, made of what the
    detector says, serves objects and edges.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        order: What the objects of an image are sorted by: 'leftright' the
            centres of their boxes, 'confidence' of the detector, the most
            confident first, or 'size' of the box, the largest first.
        num_object_layers: Layers of the LSTM over objects.
        num_edge_layers: Layers of the LSTM over edges.
        embed_channels: Width of all word tables.
        hidden_channels: Width of O1, E and h of the decoder.
        dropout: Probability of dropping a channel between LSTM layers.
        kwargs: As of :class:`ContextRelHead`.

    Raises:
        ValueError: If the order is unknown.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        order: Literal['leftright', 'confidence', 'size'] = 'leftright',
        num_object_layers: int = 2,
        num_edge_layers: int = 4,
        embed_channels: int = 200,
        hidden_channels: int = 512,
        dropout: float = 0.1,
        **kwargs: Any,
    ) -> None:
        if order not in ORDERS:
            raise ValueError(
                f'MotifsRelHead: unknown order {order!r}; set '
                f'relation_head.order to one of {", ".join(ORDERS)}'
            )
        super().__init__(
            num_classes,
            num_predicates,
            embed_channels=embed_channels,
            hidden_channels=hidden_channels,
            **kwargs,
        )
        self.order = order
        self.object_lstm = ObjectLSTM(
            self.object_channels, hidden_channels, num_object_layers, dropout
        )
        self.label_decoder = LabelDecoder(
            hidden_channels, hidden_channels, num_classes, embed_channels
        )
        self.edge_lstm = ObjectLSTM(
            embed_channels + hidden_channels,
            hidden_channels,
            num_edge_layers,
            dropout,
        )
        self.role_fc = nn.Linear(hidden_channels, 2 * self.pair_channels)
        self.predicate_fc = nn.Linear(self.pair_channels, num_predicates + 1)

        # as in neural-motifs: what an LSTM puts out is small, and from the
        # usual weights the product of three features would start near zero
        nn.init.normal_(self.role_fc.weight, std=10 / sqrt(hidden_channels))
        nn.init.zeros_(self.role_fc.bias)
        nn.init.xavier_normal_(self.predicate_fc.weight)

    def sequences(self, objects: list[InstanceData]) -> ObjectSequences:
        """Sort the objects of each image by ``order``."""
        bboxes = torch.cat([image.bboxes for image in objects])
        if self.order == 'leftright':
            keys = bboxes[:, 0] + bboxes[:, 2]
        elif self.order == 'size':
            keys = -(bboxes[:, 2:] - bboxes[:, :2]).prod(dim=1)
        else:
            logits = torch.cat([image.logits for image in objects])
            keys = -logits.softmax(dim=1)[:, :-1].amax(dim=1)
        return ObjectSequences([*map(len, objects)], keys)

    def forced_labels(self, objects: list[InstanceData]) -> Tensor:
        """List what the decoder goes on from, (sum N,); background if open."""
        return torch.cat(
            [
                image.get('labels', image.get('target_labels'))
                if 'labels' in image or 'target_labels' in image
                else image.bboxes.new_full(
                    (len(image),), self.num_classes, dtype=torch.long
                )
                for image in objects
            ]
        )

    def refine_objects(
        self,
        features: Tensor,
        objects: list[InstanceData],
        sequences: ObjectSequences,
    ) -> tuple[Tensor, Tensor]:
        """Run the object LSTM and the decoder."""
        hidden = self.object_lstm(features, sequences)
        forced = self.forced_labels(objects)
        return hidden, self.label_decoder(hidden, forced, sequences)

    def embed_edges(
        self,
        regions: Tensor,
        hidden: Tensor,
        words: Tensor,
        sequences: ObjectSequences,
    ) -> Tensor:
        """Run the edge LSTM; it does not read the regions."""
        edges = torch.cat([words, hidden], dim=1)
        return self.edge_lstm(edges, sequences)

    def score_pairs(
        self, subjects: Tensor, objects: Tensor, unions: Tensor
    ) -> Tensor:
        """Classify the product G0 of the three features."""
        return self.predicate_fc(subjects * objects * unions)
