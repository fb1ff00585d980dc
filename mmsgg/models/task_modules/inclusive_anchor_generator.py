"""Anchors that name their last pixel."""

from typing import Any

import torch
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from torch import Tensor

from mmsgg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class InclusiveAnchorGenerator(AnchorGenerator):
    """mmdet's anchors with ``x2 = x1 + width - 1``, as py-faster-rcnn's.

    With ``center_offset=0.5`` and stride 16 the anchors lie around the box
    (0, 0, 15, 15) of the first cell.

    Args:
        round_base: Whether the sides of a ratio are rounded at the stride,
            before they are scaled (py-faster-rcnn, maskrcnn-benchmark,
            Scene-Graph-Benchmark). neural-motifs and linknet-pytorch do not
            round, and mmdet's ``LegacyAnchorGenerator`` rounds the corners
            of the scaled anchors.
        kwargs: As of mmdet's ``AnchorGenerator``.
    """

    def __init__(
        self, *args: Any, round_base: bool = False, **kwargs: Any
    ) -> None:
        self.round_base = round_base
        super().__init__(*args, **kwargs)

    def gen_single_level_base_anchors(
        self,
        base_size: float,
        scales: Tensor,
        ratios: Tensor,
        center: tuple[float, float] | None = None,
    ) -> Tensor:
        """Make the (A, 4) anchors of the first cell, input-image pixels.

        The ratio changes slowest, the scale fastest.

        Args:
            base_size: Side of an anchor of ratio and scale 1.
            scales: (S,) by which both sides are multiplied.
            ratios: (R,) height over width.
            center: Of the anchors; by default ``center_offset`` says it.
        """
        anchors = super().gen_single_level_base_anchors(
            base_size, scales, ratios, center
        )
        if self.round_base:
            widths = (base_size**2 / ratios).sqrt().round()
            sides = torch.stack([widths, (widths * ratios).round()], dim=1)
            halves = (sides[:, None] * scales[:, None] / 2).flatten(0, 1)
            middle = halves.new_tensor(
                center or [self.center_offset * base_size] * 2
            )
            anchors = torch.cat([middle - halves, middle + halves], dim=1)
        return anchors - anchors.new_tensor([0, 0, 1, 1])
