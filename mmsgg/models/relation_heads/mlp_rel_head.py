"""A plain baseline: a small network on each pair by itself."""

from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import GeometricLayout
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .pair_features import PairFeatures, stack_pairs


@MODELS.register_module()
class MLPRelHead(BaseRelationHead):
    """Score a pair by its two classes and by how its boxes lie.

    With K the word tables of subjects and objects and b the layout of two
    boxes::

        h = relu(W0 [Ks class_i, Ko class_j, K2 b]) * relu(W1 K2 b)
        logits = W2 h

    It sees neither the image nor any other object, and refines no class: what
    a method gains over it is what it learned beyond the pair.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        embed_channels: Width of a word.
        hidden_channels: Width of h.
        layout_channels: Width of K2 b.
        dropout: Probability of dropping a channel of the words and of h in
            training.
        kwargs: As of :class:`BaseRelationHead`.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        embed_channels: int = 200,
        hidden_channels: int = 512,
        layout_channels: int = 128,
        dropout: float = 0.4,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, **kwargs)
        self.features = PairFeatures()  # none, but pairs come in chunks
        self.subject_embedding = nn.Embedding(num_classes, embed_channels)
        self.object_embedding = nn.Embedding(num_classes, embed_channels)
        self.geometric_layout = GeometricLayout(layout_channels, detailed=True)
        self.pair_fc = nn.Linear(
            2 * embed_channels + layout_channels, hidden_channels
        )
        self.layout_gate = nn.Linear(layout_channels, hidden_channels)
        self.predicate_fc = nn.Linear(hidden_channels, num_predicates + 1)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """See the base class."""
        logits = torch.cat([image.logits for image in objects])
        object_logits, labels = self.decide_classes(objects, logits, targets)
        bboxes = [image.bboxes for image in objects]
        boxes = torch.cat(bboxes)
        scores = self.features.score(
            x,
            bboxes,
            stack_pairs(bboxes, pairs),
            lambda chunk, _: self.score_pairs(boxes, labels, chunk),
        )
        return self.collect(object_logits, labels, scores, pairs)

    def score_pairs(
        self, bboxes: Tensor, labels: Tensor, pairs: Tensor
    ) -> Tensor:
        """Score the predicates of k pairs.

        Args:
            bboxes: (sum N, 4), input-image pixels.
            labels: (sum N,) classes.
            pairs: (k, 2) rows [subject, object] of both.

        Returns:
            (k, P + 1) logits.
        """
        subjects, objects = pairs.T
        words = [
            self.subject_embedding(labels[subjects]),
            self.object_embedding(labels[objects]),
        ]
        words = self.dropout(torch.cat(words, dim=1))
        layout = self.geometric_layout(bboxes[subjects], bboxes[objects])
        hidden = torch.relu(self.pair_fc(torch.cat([words, layout], dim=1)))
        hidden = hidden * torch.relu(self.layout_gate(layout))
        scores = self.predicate_fc(self.dropout(hidden))
        return self.add_frequency_bias(scores, labels[pairs])
