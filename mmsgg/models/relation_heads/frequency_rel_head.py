"""The frequency prior alone (FREQ of neural-motifs)."""

from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.layers import FrequencyBias
from mmsgg.models.roi_heads import pair_rows
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead


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

    uses_image = False

    def __init__(
        self, num_classes: int, num_predicates: int, **kwargs: Any
    ) -> None:
        super().__init__(num_classes, num_predicates, **kwargs)
        self.frequency_bias = FrequencyBias(num_classes, num_predicates)

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Hand on the detector's classes and look their pairs up."""
        logits = torch.cat([image_objects.logits for image_objects in objects])
        object_logits, labels = self.name_objects(objects, logits)
        bboxes = [image_objects.bboxes for image_objects in objects]
        predicate_logits = self.frequency_bias(
            labels[pair_rows(bboxes, pairs)]
        )
        return object_logits, list(predicate_logits.split([*map(len, pairs)]))
