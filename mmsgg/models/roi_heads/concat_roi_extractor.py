"""Pooling a region from all levels of a feature pyramid."""

from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.roi_extractors import BaseRoIExtractor
from torch import Tensor

from mmsgg.registry import MODELS


@MODELS.register_module()
class ConcatRoIExtractor(BaseRoIExtractor):
    """Pool each region from all levels, whatever its size.

    What the levels give is concatenated, and a 3x3 convolution with ReLU
    brings it back to the width of one: the union features of
    Scene-Graph-Benchmark. mmdet's ``GenericRoIExtractor`` fuses levels too,
    but leaves its convolution out of the graph where there are no regions.

    Args:
        kwargs: As of mmdet's ``BaseRoIExtractor``; ``out_channels`` is the
            width of each level, and of the result.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reduce = ConvModule(
            self.num_inputs * self.out_channels,
            self.out_channels,
            kernel_size=3,
            padding=1,
        )

    def forward(
        self,
        feats: tuple[Tensor, ...],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Pool regions.

        Args:
            feats: Feature maps, each (B, channels, H, W), the finest first.
            rois: (n, 5) [image index, x1, y1, x2, y2], input-image pixels.
            roi_scale_factor: How much larger each region is pooled.

        Returns:
            (n, channels, size, size).
        """
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        pooled = [
            layer(level, rois)
            for layer, level in zip(self.roi_layers, feats, strict=True)
        ]
        return self.reduce(torch.cat(pooled, dim=1))
