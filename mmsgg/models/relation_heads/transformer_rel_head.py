"""Transformer encoders over the objects of an image."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn import functional as F

from mmsgg.models.layers import (
    BoxEmbedding,
    ObjectSequences,
    RelativeBoxEmbedding,
)
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .object_classes import LateNMSRule, class_probabilities
from .pair_features import (
    REGION_WEIGHTS,
    PairFeatures,
    image_size_of_each,
    image_sizes,
    pair_roles,
    stack_pairs,
)
from .triplet_search import search_triplets


class EncoderLayer(nn.Module):
    """A layer of a transformer's encoder, its norms behind the additions.

    Torch's ``TransformerEncoderLayer``, but queries, keys and values are of
    any width.

    Args:
        channels: Width of an object.
        num_heads: Attention heads.
        feedforward_channels: Width between the two layers of the MLP.
        key_channels: Width of a head's queries and keys, by default that of
            an object shared out among the heads.
        value_channels: Width of a head's values, likewise.
        dropout: Probability of dropping, everywhere.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        feedforward_channels: int,
        key_channels: int | None = None,
        value_channels: int | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        keys = num_heads * (key_channels or channels // num_heads)
        values = num_heads * (value_channels or channels // num_heads)
        self.query_fc = nn.Linear(channels, keys)
        self.key_fc = nn.Linear(channels, keys)
        self.value_fc = nn.Linear(channels, values)
        self.out_fc = nn.Linear(values, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, feedforward_channels)
        self.linear2 = nn.Linear(feedforward_channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (B, L, channels) to the same.

        Args:
            x: Objects.
            padding: (B, L) bool, the cells that hold none.
        """
        query, key, value = (
            fc(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for fc in (self.query_fc, self.key_fc, self.value_fc)
        )
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            None if padding is None else ~padding[:, None, None],
            self.dropout.p if self.training else 0.0,
        )
        attended = self.out_fc(attended.transpose(1, 2).flatten(2))
        x = self.norm1(x + self.dropout(attended))
        hidden = self.dropout(torch.relu(self.linear1(x)))
        return self.norm2(x + self.dropout(self.linear2(hidden)))


class ObjectTransformer(nn.Module):
    """A linear layer and a transformer's encoder behind it.

    Objects have no order: nothing tells the encoder their positions, so that
    it permutes with them. Attention never crosses images.

    Args:
        in_channels: Width of an object's feature.
        out_channels: Width inside the encoder and behind it.
        num_layers: Layers.
        layer: Further arguments of :class:`EncoderLayer`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_layers: int,
        **layer: Any,
    ) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels)
        self.layers = nn.ModuleList(
            EncoderLayer(out_channels, **layer) for _ in range(num_layers)
        )
        for parameter in self.layers.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x: Tensor, sequences: ObjectSequences) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels)."""
        encoded = sequences.pad(self.fc(x))
        for layer in self.layers:
            encoded = layer(encoded, sequences.padding)
        return sequences.unpad(encoded)


@MODELS.register_module()
class TransformerRelHead(BaseRelationHead):
    """The transformer predictor of Scene-Graph-Benchmark (Tang et al. 2020).

    For the N objects of an image, with f_i their regions, l_i the detector's
    class distribution, one-hot where the class is given, and b_i where their
    boxes lie in the image::

        O0 = [f, K0 l, B b]
        O1 = encoder(O0);  O2 = W O1
        E  = encoder([f, O1, K1 argmax(O2)])
        [s, o] = role_fc E           as a subject, and as an object
        p  = [s_i, o_j]
        logits = W (W p * F_ij) + W p

    each W a linear layer of its own, and on top the frequency bias of the two
    classes.

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
        dropout: Probability of dropping, everywhere in the encoders and
            behind both layers of B.
        key_channels: Width of a head's queries and keys, by default
            ``hidden_channels`` shared out among the heads.
        value_channels: Width of a head's values, likewise.
        kwargs: As of :class:`BaseRelationHead`.
    """

    independent_pairs = True
    renamed_weights = REGION_WEIGHTS
    earlier_forms: Mapping[str, str] = MappingProxyType(
        {'box_embedding.norm.weight': 'GatedTransformerRelHead'}
    )
    late_nms_rule: LateNMSRule = 'overwrite'

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
        key_channels: int | None = None,
        value_channels: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        self.features = PairFeatures(**features or {})
        regions = self.features.object_channels
        pair_channels = self.features.union_channels or pair_channels
        # K0 reads the detector's distribution, K1 the class decided on, which
        # stays background where late NMS leaves it so
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(
            num_classes + (self.late_nms_rule != 'class'), embed_channels
        )
        self.box_embedding = self.make_box_embedding(box_channels, dropout)

        def encoder(in_channels: int, num_layers: int) -> ObjectTransformer:
            return ObjectTransformer(
                in_channels,
                hidden_channels,
                num_layers,
                num_heads=num_heads,
                feedforward_channels=feedforward_channels,
                key_channels=key_channels,
                value_channels=value_channels,
                dropout=dropout,
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

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
        max_triplets: int | None = None,
    ) -> RelationOutput:
        """See the base class."""
        bboxes = [image.bboxes for image in objects]
        sequences = ObjectSequences(
            [*map(len, objects)], device=bboxes[0].device
        )
        regions = self.features.embed_objects(x, bboxes)  # f
        features = [regions, *self.object_inputs(objects)]  # O0
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
            x,
            bboxes,
            stack_pairs(bboxes, pairs),
            score,
            image_sizes(objects),
            **search_triplets(
                self, objects, object_logits, labels, pairs, max_triplets
            ),
        )
        return self.collect(object_logits, labels, scores, pairs)

    def make_box_embedding(self, channels: int, dropout: float) -> nn.Module:
        """Make B."""
        return RelativeBoxEmbedding(channels, norm=False, dropout=dropout)

    def object_inputs(self, objects: list[InstanceData]) -> tuple[Tensor, ...]:
        """Make K0 l and B b (sum N, ...) of the objects."""
        bboxes = torch.cat([image.bboxes for image in objects])
        words = class_probabilities(objects) @ self.object_embedding.weight
        return words, self.box_embedding(bboxes, image_size_of_each(objects))

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
        both = pair_roles(roles, pairs)  # p
        gated = self.gate(both) * unions
        return self.predicate_fc(gated) + self.role_predicate_fc(both)

    def gate(self, roles: Tensor) -> Tensor:
        """Make of p (k, 2 * hidden) what F (k, pair) is multiplied by."""
        return self.gate_fc(roles)


@MODELS.register_module()
class GatedTransformerRelHead(TransformerRelHead):
    """``TransformerRelHead`` of mmsgg 0.1.

    b_i are the boxes in pixels, l_i is always the detector's, and the gate of
    F has a ReLU: ``logits = W (relu(W p) * F_ij) + W p``.

    Args:
        kwargs: As of :class:`TransformerRelHead`.
    """

    earlier_forms = MappingProxyType({})
    late_nms_rule = 'class'

    def rename_weights(self, weights: dict, prefix: str = '') -> None:
        """See the base class; torch's encoder had other names."""
        super().rename_weights(weights, prefix)
        former = '.encoder.layers.'
        for key in [k for k in weights if k.startswith(prefix)]:
            if former not in key:
                continue
            values = weights.pop(key)
            name = key.replace(former, '.layers.')
            layer, found, kind = name.partition('.self_attn.in_proj_')
            if not found:
                name = name.replace('.self_attn.out_proj.', '.out_fc.')
                weights[name] = values
                continue
            parts = ('query', 'key', 'value')
            for part, rows in zip(parts, values.chunk(3), strict=True):
                weights[f'{layer}.{part}_fc.{kind}'] = rows

    def make_box_embedding(self, channels: int, dropout: float) -> nn.Module:
        """See the base class."""
        return BoxEmbedding(channels)

    def object_inputs(self, objects: list[InstanceData]) -> tuple[Tensor, ...]:
        """See the base class."""
        bboxes = torch.cat([image.bboxes for image in objects])
        logits = torch.cat([image.logits for image in objects])
        words = logits.softmax(dim=1) @ self.object_embedding.weight
        return words, self.box_embedding(bboxes)

    def gate(self, roles: Tensor) -> Tensor:
        """See the base class."""
        return torch.relu(super().gate(roles))
