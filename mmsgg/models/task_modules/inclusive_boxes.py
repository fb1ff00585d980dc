"""Anchors and box regression on boxes that name their last pixel."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmdet.structures.bbox import BaseBoxes, get_box_tensor
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


@TASK_UTILS.register_module()
class InclusiveDeltaXYWHBBoxCoder(DeltaXYWHBBoxCoder):
    """mmdet's coder with ``width = x2 - x1 + 1``.

    The convention of py-faster-rcnn, neural-motifs, linknet-pytorch and
    Scene-Graph-Benchmark. A box is clipped to the pixels of the image, 0 to
    width - 1. mmdet's ``LegacyDeltaXYWHBBoxCoder`` instead gives boxes that
    are a pixel larger than what was encoded.

    Args:
        max_growth: Factor by which a side may grow at most, None for no
            bound. How far it may shrink has none.
        kwargs: As of mmdet's ``DeltaXYWHBBoxCoder``.
    """

    def __init__(
        self, *args: Any, max_growth: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.max_growth = max_growth

    def encode(
        self, bboxes: Tensor | BaseBoxes, gt_bboxes: Tensor | BaseBoxes
    ) -> Tensor:
        """Compute the (n, 4) deltas that turn boxes into others.

        Args:
            bboxes: (n, 4) in any pixel frame.
            gt_bboxes: (n, 4) in the same frame.
        """
        return super().encode(_with_end(bboxes), _with_end(gt_bboxes))

    def decode(
        self,
        bboxes: Tensor | BaseBoxes,
        pred_bboxes: Tensor,
        max_shape: Sequence[int] | None = None,
        wh_ratio_clip: float = 1e-30,
    ) -> Tensor:
        """Apply deltas to boxes.

        Args:
            bboxes: (n, 4) in pixels of the image that ``max_shape`` is of.
            pred_bboxes: (n, 4 k) deltas, k boxes a row.
            max_shape: Height and width of the image to clip to.
            wh_ratio_clip: Factor by which a side may shrink, and its inverse
                by which it may grow where ``max_growth`` does not say less;
                the default only keeps numbers finite.

        Returns:
            (n, 4 k) boxes.
        """
        if self.max_growth is not None:
            limit = pred_bboxes.new_full((4,), math.inf)
            limit[2:] = math.log(self.max_growth)
            limit -= limit.new_tensor(self.means)
            limit /= limit.new_tensor(self.stds)
            deltas = pred_bboxes.unflatten(1, (-1, 4))
            pred_bboxes = deltas.minimum(limit).flatten(1)
        decoded = (
            super()
            .decode(_with_end(bboxes), pred_bboxes, None, wh_ratio_clip)
            .unflatten(1, (-1, 4))
        )
        decoded = decoded - decoded.new_tensor([0, 0, 1, 1])
        if self.clip_border and max_shape is not None:
            height, width = max_shape[:2]
            last = decoded.new_tensor([width, height] * 2) - 1
            decoded = decoded.clamp(min=0).minimum(last)
        return decoded.flatten(1)


def _with_end(bboxes: Tensor | BaseBoxes) -> Tensor:
    """Turn the last pixels of (n, 4) boxes into the ends behind them."""
    bboxes = get_box_tensor(bboxes)
    return bboxes + bboxes.new_tensor([0, 0, 1, 1])
