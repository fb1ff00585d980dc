"""Motifs: LSTMs over the objects of an image (arXiv 1711.06640)."""

from collections.abc import Mapping, Sequence
from math import sqrt
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import ObjectSequences, RelativeBoxEmbedding
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .motifs_lstm import LabelDecoder, ObjectLSTM
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

Order = Literal['rightleft', 'leftright', 'confidence', 'size']


class MotifsContext(NamedTuple):
    """What the objects of a batch are in their context, stacked."""

    sequences: ObjectSequences
    known: Tensor  # (sum N,) what the decoder goes on from
    inputs: Tensor  # O0 (sum N, inputs)
    hidden: Tensor  # O1 (sum N, hidden)
    context: Tensor  # what the decoder reads, (sum N, context)
    words: Tensor  # what the LSTM of edges reads beside O1, (sum N, words)
    refined: Tensor  # O2 (sum N, C + 1)
    object_logits: list[Tensor]  # each (N, C + 1)
    labels: Tensor  # (sum N,)


@MODELS.register_module()
class MotifsRelHead(BaseRelationHead):
    """Motifs as Scene-Graph-Benchmark has it: objects, then edges, in turn.

    Zellers et al. 2018 in the form that most papers compare with (Tang et al.
    2020). For the N objects of an image, with f_i their regions, l_i the
    detector's class distribution, one-hot where the class is given, and b_i
    where their boxes lie in the image::

        O0 = [f, K0 l, B b]
        O1 = W biLSTM(O0)
        O2 = LabelDecoder([O0, O1])  each class given the one before it
        E  = W biLSTM([K1 argmax(O2), f, O1])
        [s, o] = role_fc E           as a subject, and as an object
        G0 = W [s_i, o_j] * F_ij;  logits = W G0

    each W a linear layer of its own, and on top the frequency bias of the two
    classes. One order serves all three LSTMs.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        features: Config of :class:`PairFeatures`, which makes f and F, or
            None to leave both out.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        order: What the objects of an image are sorted by: 'rightleft' the
            centres of their boxes, the right-most first, 'leftright' the
            other way round, 'confidence' of the detector, the most confident
            first, or 'size' of the box, the largest first.
        num_object_layers: Layers of the LSTM over objects.
        num_edge_layers: Layers of the LSTM over edges.
        embed_channels: Width of all word tables.
        box_channels: Width of B b.
        hidden_channels: Width of each way of the LSTMs, of O1, E, s, o and
            of the decoder's state.
        pair_channels: Width of G0 where no F says it.
        dropout: Probability of dropping a channel between LSTM layers, and of
            the decoder's state.
        kwargs: As of :class:`BaseRelationHead`.

    Raises:
        ValueError: If the order is unknown.
    """

    independent_pairs = True
    renamed_weights = REGION_WEIGHTS
    earlier_forms: Mapping[str, str] = MappingProxyType(
        {'label_decoder.cell.weight_ih': 'ProductMotifsRelHead'}
    )
    late_nms_rule: LateNMSRule = 'background'
    #: Whether what an LSTM reads also goes past it.
    skips = True

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        frequency_bias: bool = True,
        order: Order = 'rightleft',
        num_object_layers: int = 1,
        num_edge_layers: int = 1,
        embed_channels: int = 200,
        box_channels: int = 128,
        hidden_channels: int = 512,
        pair_channels: int = 512,
        dropout: float = 0.2,
        **kwargs: Any,
    ) -> None:
        if order not in get_args(Order):
            raise ValueError(
                f'{type(self).__name__}: unknown order {order!r}; set '
                f'relation_head.order to one of {", ".join(get_args(Order))}'
            )
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        self.order = order
        self.features = PairFeatures(**features or {})
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.make_context(
            num_object_layers,
            num_edge_layers,
            embed_channels,
            box_channels,
            hidden_channels,
            dropout,
        )
        self.make_classifier(
            hidden_channels, self.features.union_channels or pair_channels
        )

        # as in neural-motifs: what an LSTM puts out is small, and from the
        # usual weights the features of a pair would start near zero
        nn.init.normal_(self.role_fc.weight, std=10 / sqrt(hidden_channels))
        nn.init.zeros_(self.role_fc.bias)

    def make_context(
        self,
        num_object_layers: int,
        num_edge_layers: int,
        embed_channels: int,
        box_channels: int,
        hidden_channels: int,
        dropout: float,
    ) -> None:
        """Make what puts objects and edges in context."""
        regions = self.features.object_channels
        inputs = regions + embed_channels + box_channels
        # K0 reads the detector's distribution, K1 the class decided on, which
        # stays background where late NMS leaves it so
        self.edge_embedding = nn.Embedding(
            self.num_classes + 1, embed_channels
        )
        self.box_embedding: nn.Module = RelativeBoxEmbedding(box_channels)
        self.object_lstm = ObjectLSTM(
            inputs, 2 * hidden_channels, num_object_layers, dropout
        )
        self.object_fc: nn.Module = nn.Linear(
            2 * hidden_channels, hidden_channels
        )
        self.label_decoder = LabelDecoder(
            inputs + hidden_channels,
            hidden_channels,
            self.num_classes,
            embed_channels,
            dropout,
        )
        self.edge_lstm = ObjectLSTM(
            embed_channels + regions + hidden_channels,
            2 * hidden_channels,
            num_edge_layers,
            dropout,
        )
        self.edge_fc: nn.Module = nn.Linear(
            2 * hidden_channels, hidden_channels
        )

    def make_classifier(
        self, hidden_channels: int, pair_channels: int
    ) -> None:
        """Make what scores pairs; ``role_fc`` among it."""
        self.role_fc = nn.Linear(hidden_channels, 2 * hidden_channels)
        self.gate_fc = nn.Linear(2 * hidden_channels, pair_channels)
        self.predicate_fc = nn.Linear(pair_channels, self.num_predicates + 1)
        for layer in (self.gate_fc, self.predicate_fc):
            nn.init.xavier_normal_(layer.weight)

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
        context = self.encode(x, objects, targets)
        roles = self.roles(context.words, context)
        object_logits, labels = context.object_logits, context.labels

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

    def encode(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        targets: list[RelationTargets] | None,
    ) -> MotifsContext:
        """Put the objects in context and decide their classes."""
        bboxes = [image.bboxes for image in objects]
        logits = torch.cat([image.logits for image in objects])
        sequences = self.sequences(bboxes, logits)
        regions = self.features.embed_objects(x, bboxes)  # f
        inputs = self.object_inputs(objects, regions)  # O0
        hidden = self.object_fc(self.object_lstm(inputs, sequences))  # O1
        context = torch.cat([inputs, hidden], dim=1) if self.skips else hidden
        known = self.known_classes(objects, targets)
        refined = self.label_decoder(context, known, sequences)  # O2
        object_logits, labels = self.decide_classes(objects, refined, targets)
        words = self.edge_embedding(labels)
        if self.skips:
            words = torch.cat([words, regions], dim=1)
        return MotifsContext(
            sequences,
            known,
            inputs,
            hidden,
            context,
            words,
            refined,
            object_logits,
            labels,
        )

    def object_inputs(
        self, objects: list[InstanceData], regions: Tensor
    ) -> Tensor:
        """Make O0 (sum N, inputs) of the objects and their f."""
        bboxes = torch.cat([image.bboxes for image in objects])
        return torch.cat(
            [
                regions,
                class_probabilities(objects) @ self.object_embedding.weight,
                self.box_embedding(bboxes, image_size_of_each(objects)),
            ],
            dim=1,
        )

    def roles(
        self, words: Tensor, context: MotifsContext
    ) -> tuple[Tensor, ...]:
        """Make s and o of what the LSTM of edges reads beside O1."""
        edges = torch.cat([words, context.hidden], dim=1)
        edges = self.edge_fc(self.edge_lstm(edges, context.sequences))  # E
        return self.role_fc(edges).chunk(2, dim=1)

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
        both = pair_roles(roles, pairs)
        return self.predicate_fc(self.gate_fc(both) * unions)

    def sequences(
        self, bboxes: list[Tensor], logits: Tensor
    ) -> ObjectSequences:
        """Sort the objects of each image by ``order``."""
        stacked = torch.cat(bboxes)
        if self.order in ('leftright', 'rightleft'):
            keys = stacked[:, 0] + stacked[:, 2]
            keys = keys if self.order == 'leftright' else -keys
        elif self.order == 'size':
            keys = -(stacked[:, 2:] - stacked[:, :2]).prod(dim=1)
        else:
            keys = -logits.softmax(dim=1)[:, :-1].amax(dim=1)
        return ObjectSequences([*map(len, bboxes)], keys)

    def known_classes(
        self,
        objects: list[InstanceData],
        targets: list[RelationTargets] | None,
    ) -> Tensor:
        """List what the decoder goes on from, (sum N,); background if open."""
        known = []
        for i, image in enumerate(objects):
            if 'labels' in image:
                known.append(image.labels)
            elif targets is not None:
                known.append(targets[i].labels)
            else:
                known.append(
                    image.bboxes.new_full(
                        (len(image),), self.num_classes, dtype=torch.long
                    )
                )
        return torch.cat(known)
