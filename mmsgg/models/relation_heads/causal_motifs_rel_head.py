"""Motifs whose causes can be taken apart (Tang et al., arXiv 2002.11949)."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn import functional as F

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import union_boxes

from .base_relation_head import RelationOutput
from .motifs_rel_head import MotifsContext, MotifsRelHead
from .object_classes import class_probabilities
from .pair_features import (
    image_size_of_each,
    image_sizes,
    pair_roles,
    stack_pairs,
)

Effect = Literal['none', 'TDE', 'NIE', 'TE']


def pair_boxes(subjects: Tensor, objects: Tensor, scales: Tensor) -> Tensor:
    """Describe two boxes, their union and their intersection.

    Args:
        subjects: (K, 4) boxes [x1, y1, x2, y2], input-image pixels.
        objects: (K, 4) boxes, likewise.
        scales: (K, 1) what their numbers are divided by, pixels.

    Returns:
        (K, 32), eight numbers each: x1, y1, x2, y2, the centre, width and
        height; zeros for boxes that are apart. As in the authors' code, the
        pixel that widths count more is not divided by the scale in unions
        and intersections.
    """
    pair = [_eight_numbers(boxes) / scales for boxes in (subjects, objects)]
    corners = [numbers[:, :4] for numbers in pair]
    lower = torch.maximum(corners[0][:, :2], corners[1][:, :2])
    upper = torch.minimum(corners[0][:, 2:], corners[1][:, 2:])
    apart = (upper < lower).any(dim=1, keepdim=True)
    common = _eight_numbers(torch.cat([lower, upper], dim=1))
    return torch.cat(
        [
            *pair,
            _eight_numbers(union_boxes(*corners)),
            common.masked_fill(apart, 0),
        ],
        dim=1,
    )


def _eight_numbers(boxes: Tensor) -> Tensor:
    """Corners, centres and sizes (K, 8) of boxes (K, 4)."""
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    return torch.cat([boxes, boxes[:, :2] + sizes / 2, sizes], dim=1)


class WithoutLooks(NamedTuple):
    """What is said of the objects of a batch as if they had no looks."""

    roles: tuple[Tensor, ...]  # s and o, each (sum N, hidden)
    probabilities: Tensor  # (sum N, C + 1) of the classes, with looks
    probabilities_without: Tensor  # (sum N, C + 1)


@MODELS.register_module()
class CausalMotifsRelHead(MotifsRelHead):
    """Motifs as a sum of three causes, with counterfactual inference.

    With s, o and F_ij of :class:`MotifsRelHead`, and b_ij the
    :func:`pair_boxes`::

        c = relu(W [s_i, o_j]) * relu(W relu(W b_ij))
        y = W c + W F_ij + frequency bias

    Each of the three has a loss of its own in training. In a test ``effect``
    may compare y with y_bar, what is said of objects without looks: the
    decoder and the LSTM of edges then read a running mean of the training in
    place of what they read, and b is such a mean, too::

        TDE  y - y_bar, the frequency bias that of y: W c - W c_bar
        NIE  what the frequency bias loses
        TE   TDE + NIE

    the bias being expected over the class distributions of both objects. It
    is what the published causal weights of Scene-Graph-Benchmark run with;
    :class:`TotalDirectEffect` is the same idea for any head. In distributed
    training each process keeps means of its own images; mmengine's
    ``SyncBuffersHook`` averages them.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        effect: What predictions rank by: y, or one of its effects.
        momentum: Weight of a new batch in the running means.
        kwargs: As of :class:`MotifsRelHead`.

    Raises:
        ValueError: If the effect is unknown.
    """

    independent_pairs = False  # what it scores are causes, not their sum

    mean_layout: Tensor
    mean_gates: Tensor
    mean_unions: Tensor
    mean_inputs: Tensor
    mean_context: Tensor
    mean_words: Tensor

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        effect: Effect = 'none',
        momentum: float = 5e-4,
        **kwargs: Any,
    ) -> None:
        if effect not in get_args(Effect):
            raise ValueError(
                f'CausalMotifsRelHead: unknown effect {effect!r}; set '
                f'relation_head.effect to one of {", ".join(get_args(Effect))}'
            )
        super().__init__(num_classes, num_predicates, **kwargs)
        self.effect = effect
        self.momentum = momentum

    def make_classifier(
        self, hidden_channels: int, pair_channels: int
    ) -> None:
        """See the base class."""
        super().make_classifier(hidden_channels, pair_channels)
        self.layout_fc = nn.Sequential(
            nn.Linear(32, hidden_channels),
            nn.ReLU(),
            nn.Linear(hidden_channels, pair_channels),
            nn.ReLU(),
        )
        unions = self.features.union_channels or 1  # F is 1 where left out
        self.union_predicate_fc = nn.Linear(unions, self.num_predicates + 1)
        nn.init.xavier_normal_(self.union_predicate_fc.weight)
        # gates, unions and inputs are kept, as in the authors' code, though
        # a sum of causes reads none of them
        inputs = self.object_lstm.input_size
        words = self.edge_lstm.input_size - hidden_channels
        for name, channels in dict(
            mean_layout=32,
            mean_gates=pair_channels,
            mean_unions=unions,
            mean_inputs=inputs,
            mean_context=inputs + hidden_channels,
            mean_words=words,
        ).items():
            self.register_buffer(name, torch.zeros(channels))

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
        max_triplets: int | None = None,
    ) -> RelationOutput:
        """See the base class; all pairs are scored."""
        bboxes = [image.bboxes for image in objects]
        context = self.encode(x, objects, targets)
        boxes, stacked = torch.cat(bboxes), stack_pairs(bboxes, pairs)
        sizes = image_size_of_each(objects)
        scales = sizes.amax(dim=1, keepdim=True).clamp(min=100)
        roles = self.roles(context.words, context)
        compares = not self.training and self.effect != 'none'
        bare = self.without_looks(objects, context) if compares else None

        def score(chunk: Tensor, unions: Tensor) -> Tensor:
            subjects, objects = chunk.T
            layout = pair_boxes(
                boxes[subjects], boxes[objects], scales[subjects]
            )
            gates = self.gates(roles, chunk, layout)
            if bare is not None:
                return self.compare(gates, chunk, bare)
            if self.training:
                self.update_mean(self.mean_layout, layout)
                self.update_mean(self.mean_gates, gates)
                self.update_mean(self.mean_unions, unions)
            causes = self.predicate_fc(gates), self.union_predicate_fc(unions)
            return torch.cat(causes, dim=1)

        scores = self.features.score(
            x, bboxes, stacked, score, image_sizes(objects)
        )
        labels, auxiliary = context.labels, {}
        if bare is None:
            by_context, by_union = scores.chunk(2, dim=1)
            auxiliary = dict(context=by_context, union=by_union)
            if self.frequency_bias is not None:
                auxiliary['frequency'] = self.frequency_bias(labels[stacked])
            scores = torch.stack([*auxiliary.values()]).sum(dim=0)
        if self.training:
            self.update_mean(self.mean_inputs, context.inputs)
            self.update_mean(self.mean_context, context.context)
            self.update_mean(self.mean_words, context.words)
        return self.collect(
            context.object_logits, labels, scores, pairs, **auxiliary
        )

    def gates(
        self, roles: Sequence[Tensor], pairs: Tensor, layout: Tensor
    ) -> Tensor:
        """Make c (k, pair) of s and o, k pairs and their b (k, 32)."""
        both = pair_roles(roles, pairs)
        return torch.relu(self.gate_fc(both)) * self.layout_fc(layout)

    def without_looks(
        self, objects: list[InstanceData], context: MotifsContext
    ) -> WithoutLooks:
        """Put the objects in context again, by means in place of looks."""
        refined = self.label_decoder(
            self.mean_context.expand_as(context.context),
            context.known,
            context.sequences,
        )
        return WithoutLooks(
            self.roles(self.mean_words.expand_as(context.words), context),
            class_probabilities(objects, context.refined),
            class_probabilities(objects, refined),
        )

    def compare(
        self, gates: Tensor, pairs: Tensor, bare: WithoutLooks
    ) -> Tensor:
        """Give the effect (k, P + 1) of the looks on k pairs, by their c."""
        scores = gates.new_zeros(len(pairs), self.num_predicates + 1)
        if self.effect != 'NIE':
            layout = self.mean_layout.expand(len(pairs), -1)
            change = gates - self.gates(bare.roles, pairs, layout)
            scores = F.linear(change, self.predicate_fc.weight)
        if self.effect != 'TDE' and self.frequency_bias is not None:
            subjects, objects = pairs.T
            with_looks, without = (
                self.frequency_bias.expected(p[subjects], p[objects])
                for p in (bare.probabilities, bare.probabilities_without)
            )
            scores = scores + with_looks - without
        return scores

    @torch.no_grad()
    def update_mean(self, mean: Tensor, rows: Tensor) -> None:
        """Take the rows (n, width) of a batch into their mean (width,)."""
        if len(rows):
            mean.lerp_(rows.mean(dim=0).to(mean.dtype), self.momentum)

    def loss_by_feat(
        self,
        output: RelationOutput,
        targets: list[RelationTargets],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Compare the sum of the causes, and each by itself, with targets."""
        losses = super().loss_by_feat(output, targets, batch_data_samples)
        predicates = torch.cat([target.predicates for target in targets])
        num = max(len(predicates), 1)
        return losses | {
            f'loss_{name}': self.loss_predicate(
                logits, predicates, avg_factor=num
            )
            for name, logits in output.auxiliary.items()
        }
