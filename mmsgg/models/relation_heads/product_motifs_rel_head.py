"""Motifs whose pairs are products, as its authors have it."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import BoxEmbedding
from mmsgg.registry import MODELS

from .motifs_lstm import LabelDecoder, ObjectLSTM
from .motifs_rel_head import MotifsRelHead, Order


@MODELS.register_module()
class ProductMotifsRelHead(MotifsRelHead):
    """Zellers et al. 2018, up to their LSTMs; ``MotifsRelHead`` in mmsgg 0.1.

    With b_i the boxes in pixels, and l_i always the detector's::

        O0 = [f, K0 l, B b]
        O1 = biLSTM(O0)
        O2 = LabelDecoder(O1)        each class given the one before it
        E  = biLSTM([K1 argmax(O2), O1])
        [s, o] = role_fc E           as a subject, and as an object
        G0 = s_i * o_j * F_ij;  logits = W G0

    and on top the frequency bias of the two classes. The LSTMs are torch's,
    where the authors' code has highway connections and alternates directions
    from layer to layer.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        order: What the objects of an image are sorted by.
        num_object_layers: Layers of the LSTM over objects.
        num_edge_layers: Layers of the LSTM over edges.
        dropout: Probability of dropping a channel between LSTM layers.
        kwargs: As of :class:`MotifsRelHead`; O1, E and h of the decoder are
            ``hidden_channels`` wide.
    """

    earlier_forms = MappingProxyType({})
    late_nms_rule = 'class'
    skips = False

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        order: Order = 'leftright',
        num_object_layers: int = 2,
        num_edge_layers: int = 4,
        dropout: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_classes,
            num_predicates,
            order=order,
            num_object_layers=num_object_layers,
            num_edge_layers=num_edge_layers,
            dropout=dropout,
            **kwargs,
        )

    def make_context(
        self,
        num_object_layers: int,
        num_edge_layers: int,
        embed_channels: int,
        box_channels: int,
        hidden_channels: int,
        dropout: float,
    ) -> None:
        """See the base class."""
        self.edge_embedding = nn.Embedding(self.num_classes, embed_channels)
        self.box_embedding = BoxEmbedding(box_channels)
        self.object_lstm = ObjectLSTM(
            self.features.object_channels + embed_channels + box_channels,
            hidden_channels,
            num_object_layers,
            dropout,
        )
        self.object_fc = self.edge_fc = nn.Identity()
        self.label_decoder = LabelDecoder(
            hidden_channels,
            hidden_channels,
            self.num_classes,
            embed_channels,
            highway=False,
        )
        self.edge_lstm = ObjectLSTM(
            embed_channels + hidden_channels,
            hidden_channels,
            num_edge_layers,
            dropout,
        )

    def make_classifier(
        self, hidden_channels: int, pair_channels: int
    ) -> None:
        """See the base class."""
        self.role_fc = nn.Linear(hidden_channels, 2 * pair_channels)
        self.predicate_fc = nn.Linear(pair_channels, self.num_predicates + 1)
        nn.init.xavier_normal_(self.predicate_fc.weight)

    def object_inputs(
        self, objects: list[InstanceData], regions: Tensor
    ) -> Tensor:
        """See the base class."""
        logits = torch.cat([image.logits for image in objects])
        bboxes = torch.cat([image.bboxes for image in objects])
        words = logits.softmax(dim=1) @ self.object_embedding.weight
        return torch.cat([regions, words, self.box_embedding(bboxes)], dim=1)

    def score_pairs(
        self, roles: Sequence[Tensor], pairs: Tensor, unions: Tensor
    ) -> Tensor:
        """See the base class; s and o are as wide as F."""
        joint = roles[0][pairs[:, 0]] * roles[1][pairs[:, 1]]
        return self.predicate_fc(joint * unions)
