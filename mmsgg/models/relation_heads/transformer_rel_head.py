"""Transformer encoders over the objects of an image."""

from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import ObjectSequences, ObjectTransformer
from mmsgg.registry import MODELS

from .context_rel_head import ContextRelHead


@MODELS.register_module()
class TransformerRelHead(ContextRelHead):
    """The transformer predictor of Scene-Graph-Benchmark (Tang et al. 2020).

    In the symbols of :class:`ContextRelHead`::

        O1 = encoder(O0);  O2 = W O1
        E  = encoder([f, O1, K1 argmax(O2)])
        p  = [s_i, o_j]
        logits = W (relu(W p) * F_ij) + W p

    each W a linear layer of its own. The encoders are torch's, whose heads
    share the hidden width; there, each head has 256 channels.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        num_object_layers: Layers of the encoder of objects.
        num_edge_layers: Layers of the encoder of edges.
        num_heads: Attention heads of a layer.
        feedforward_channels: Width inside the MLP of a layer.
        embed_channels: Width of the word tables.
        hidden_channels: Width of O1, E, s and o.
        dropout: Probability of dropping, everywhere in the encoders.
        kwargs: As of :class:`ContextRelHead`.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        num_object_layers: int = 4,
        num_edge_layers: int = 2,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        embed_channels: int = 200,
        hidden_channels: int = 512,
        dropout: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_classes,
            num_predicates,
            embed_channels=embed_channels,
            hidden_channels=hidden_channels,
            **kwargs,
        )

        def encoder(in_channels: int, num_layers: int) -> ObjectTransformer:
            return ObjectTransformer(
                in_channels,
                hidden_channels,
                num_layers,
                num_heads,
                feedforward_channels,
                dropout,
            )

        self.object_encoder = encoder(self.object_channels, num_object_layers)
        self.classifier = nn.Linear(hidden_channels, num_classes + 1)
        self.edge_encoder = encoder(
            self.region_channels + hidden_channels + embed_channels,
            num_edge_layers,
        )
        self.role_fc = nn.Linear(hidden_channels, 2 * hidden_channels)
        self.gate_fc = nn.Linear(2 * hidden_channels, self.pair_channels)
        self.predicate_fc = nn.Linear(self.pair_channels, num_predicates + 1)
        self.role_predicate_fc = nn.Linear(
            2 * hidden_channels, num_predicates + 1
        )

    def refine_objects(
        self,
        features: Tensor,
        objects: list[InstanceData],
        sequences: ObjectSequences,
    ) -> tuple[Tensor, Tensor]:
        """Run the object encoder and classify what it gives."""
        hidden = self.object_encoder(features, sequences)
        return hidden, self.classifier(hidden)

    def embed_edges(
        self,
        regions: Tensor,
        hidden: Tensor,
        words: Tensor,
        sequences: ObjectSequences,
    ) -> Tensor:
        """Run the edge encoder."""
        edges = torch.cat([regions, hidden, words], dim=1)
        return self.edge_encoder(edges, sequences)

    def score_pairs(
        self, subjects: Tensor, objects: Tensor, unions: Tensor
    ) -> Tensor:
        """Add what the gated union says to what the two say alone."""
        roles = torch.cat([subjects, objects], dim=1)
        gated = torch.relu(self.gate_fc(roles)) * unions
        return self.predicate_fc(gated) + self.role_predicate_fc(roles)
