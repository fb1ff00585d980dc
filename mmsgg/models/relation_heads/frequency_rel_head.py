"""The frequency prior alone (FREQ of neural-motifs)."""

from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .pair_features import stack_pairs


@MODELS.register_module()
class FrequencyRelHead(BaseRelationHead):
    """Score predicates by how often two classes had them in training.

    It looks neither at the image nor at the boxes: what a learned head gains
    over it is what it learned beyond the label prior. It needs no training,
    only :class:`FrequencyBiasHook` with ``count_for_test=True``.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        kwargs: As of :class:`BaseRelationHead`.
    """

    def __init__(
        self, num_classes: int, num_predicates: int, **kwargs: Any
    ) -> None:
        super().__init__(
            num_classes, num_predicates, frequency_bias=True, **kwargs
        )

    @property
    def uses_image(self) -> bool:
        """Nothing looks at the feature maps."""
        return False

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """Hand on the detector's classes and look their pairs up."""
        logits = torch.cat([image.logits for image in objects])
        object_logits, labels = self.decide_classes(objects, logits, targets)
        bboxes = [image.bboxes for image in objects]
        pair_labels = labels[stack_pairs(bboxes, pairs)]
        scores = self.frequency_bias(pair_labels)
        return self.collect(object_logits, labels, scores, pairs)
