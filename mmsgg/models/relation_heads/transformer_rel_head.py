"""Transformer encoders over the objects of an image."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import BoxEmbedding, ObjectSequences
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .pair_features import REGION_WEIGHTS, PairFeatures, stack_pairs


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


@MODELS.register_module()
class TransformerRelHead(BaseRelationHead):
    """The transformer predictor of Scene-Graph-Benchmark (Tang et al. 2020).

    For the N objects of an image, with f_i their regions, l_i the detector's
    class distribution and b_i their boxes::

        O0 = [f, K0 l, B b]
        O1 = encoder(O0);  O2 = W O1
        E  = encoder([f, O1, K1 argmax(O2)])
        [s, o] = role_fc E           as a subject, and as an object
        p  = [s_i, o_j]
        logits = W (relu(W p) * F_ij) + W p

    each W a linear layer of its own, and on top the frequency bias of the two
    classes. The encoders are torch's, whose heads share the hidden width;
    there, each head has 256 channels.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        features: Config of :class:`PairFeatures`, which makes f and F, or
            None to leave both out.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        num_object_layers: Layers of the encoder of objects.
        num_edge_layers: Layers of the encoder of edges.
        num_heads: Attention heads of a layer.
        feedforward_channels: Width inside the MLP of a layer.
        embed_channels: Width of the word tables.
        box_channels: Width of B b.
        hidden_channels: Width of O1, E, s and o.
        pair_channels: Width of the gate of F where no F says it.
        dropout: Probability of dropping, everywhere in the encoders.
        kwargs: As of :class:`BaseRelationHead`.
    """

    renamed_weights = REGION_WEIGHTS

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        frequency_bias: bool = True,
        num_object_layers: int = 4,
        num_edge_layers: int = 2,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        embed_channels: int = 200,
        box_channels: int = 128,
        hidden_channels: int = 512,
        pair_channels: int = 512,
        dropout: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        self.features = PairFeatures(**features or {})
        regions = self.features.object_channels
        pair_channels = self.features.union_channels or pair_channels
        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes, embed_channels)
        self.box_embedding = BoxEmbedding(box_channels)

        def encoder(in_channels: int, num_layers: int) -> ObjectTransformer:
            return ObjectTransformer(
                in_channels,
                hidden_channels,
                num_layers,
                num_heads,
                feedforward_channels,
                dropout,
            )

        self.object_encoder = encoder(
            regions + embed_channels + box_channels, num_object_layers
        )
        self.classifier = nn.Linear(hidden_channels, num_classes + 1)
        self.edge_encoder = encoder(
            regions + hidden_channels + embed_channels, num_edge_layers
        )
        self.role_fc = nn.Linear(hidden_channels, 2 * hidden_channels)
        self.gate_fc = nn.Linear(2 * hidden_channels, pair_channels)
        self.predicate_fc = nn.Linear(pair_channels, num_predicates + 1)
        self.role_predicate_fc = nn.Linear(
            2 * hidden_channels, num_predicates + 1
        )

    @property
    def uses_image(self) -> bool:
        """Whether anything looks at the feature maps."""
        return self.features.uses_image

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """See the base class."""
        bboxes = [image.bboxes for image in objects]
        logits = torch.cat([image.logits for image in objects])
        sequences = ObjectSequences([*map(len, objects)], device=logits.device)
        regions = self.features.embed_objects(x, bboxes)  # f
        features = [  # O0
            regions,
            logits.softmax(dim=1) @ self.object_embedding.weight,
            self.box_embedding(torch.cat(bboxes)),
        ]
        hidden = self.object_encoder(torch.cat(features, dim=1), sequences)
        object_logits, labels = self.decide_classes(
            objects, self.classifier(hidden), targets
        )
        edges = self.edge_encoder(  # E
            torch.cat([regions, hidden, self.edge_embedding(labels)], dim=1),
            sequences,
        )
        roles = self.role_fc(edges).chunk(2, dim=1)

        def score(chunk: Tensor, unions: Tensor) -> Tensor:
            scores = self.score_pairs(roles, chunk, unions)
            return self.add_frequency_bias(scores, labels[chunk])

        scores = self.features.score(
            x, bboxes, stack_pairs(bboxes, pairs), score
        )
        return self.collect(object_logits, labels, scores, pairs)

    def score_pairs(
        self, roles: Sequence[Tensor], pairs: Tensor, unions: Tensor
    ) -> Tensor:
        """Score the predicates of k pairs.

        Args:
            roles: s and o, each (sum N, hidden).
            pairs: (k, 2) rows [subject, object] of both.
            unions: F (k, pair), or ones (k, 1).

        Returns:
            (k, P + 1) logits without the frequency bias.
        """
        both = torch.cat(  # p
            [roles[0][pairs[:, 0]], roles[1][pairs[:, 1]]], dim=1
        )
        gated = torch.relu(self.gate_fc(both)) * unions
        return self.predicate_fc(gated) + self.role_predicate_fc(both)
