"""Anchors that name their last pixel."""

from typing import Any

from mmdet.models.task_modules.prior_generators import AnchorGenerator
from torch import Tensor

from mmsgg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class InclusiveAnchorGenerator(AnchorGenerator):
    """mmdet's anchors with ``x2 = x1 + width - 1``, as py-faster-rcnn's.

    With ``center_offset=0.5`` and stride 16 the anchors lie around the box
    (0, 0, 15, 15) of the first cell. Unlike mmdet's ``LegacyAnchorGenerator``
    it does not round them (neural-motifs and linknet-pytorch do not).
    """

    def gen_single_level_base_anchors(
        self, *args: Any, **kwargs: Any
    ) -> Tensor:
        """Make the (A, 4) anchors of the first cell, input-image pixels.

        The ratio changes slowest, the scale fastest.
        """
        anchors = super().gen_single_level_base_anchors(*args, **kwargs)
        return anchors - anchors.new_tensor([0, 0, 1, 1])
