"""What pools regions otherwise than the extractors of mmdet."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.roi_extractors import (
    BaseRoIExtractor,
    SingleRoIExtractor,
)
from torch import Tensor, nn

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


class CropResize(nn.Module):
    """Sample a box on a grid that reaches from corner to corner.

    One bilinear sample a cell, the outermost ones on the box border: what
    neural-motifs and linknet-pytorch call RoIAlign. mmcv's RoIAlign averages
    samples inside each cell instead.

    Args:
        output_size: Samples along each side.
        spatial_scale: Feature map pixels per input-image pixel.
    """

    def __init__(self, output_size: int, spatial_scale: float) -> None:
        super().__init__()
        self.output_size = (output_size, output_size)
        self.spatial_scale = spatial_scale

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        """Pool n boxes.

        Args:
            x: (B, C, H, W) feature map.
            rois: (n, 5) [image index, x1, y1, x2, y2], input-image pixels.

        Returns:
            (n, C, output_size, output_size); zero outside the map.
        """
        size = self.output_size[0]
        scale = rois.new_tensor(x.shape[:1:-1]) - 1  # W - 1, H - 1
        lower, upper = (rois[:, 1:] * self.spatial_scale).split(2, dim=1)
        steps = torch.linspace(0, 1, size, device=x.device, dtype=x.dtype)
        points = lower + (upper - lower) * steps[:, None, None]  # size, n, 2
        points = 2 * points / scale - 1
        xs = points[..., 0].T[:, None, :].expand(-1, size, -1)
        ys = points[..., 1].T[:, :, None].expand(-1, -1, size)
        grid = torch.stack([xs, ys], dim=-1)  # n, size, size, 2
        out = x.new_zeros(len(rois), x.shape[1], size, size)
        for i, fmap in enumerate(x):
            rows = (rois[:, 0] == i).nonzero().flatten()
            if len(rows):
                # the n grids of one image lie one under another
                image_grid = grid[rows].reshape(1, -1, size, 2)
                pooled = F.grid_sample(
                    fmap[None], image_grid, align_corners=True
                )
                pooled = pooled.reshape(len(fmap), len(rows), size, size)
                out = out.index_copy(0, rows, pooled.transpose(0, 1))
        return out


@MODELS.register_module()
class CropResizeRoIExtractor(SingleRoIExtractor):
    """mmdet's extractor with :class:`CropResize` as its RoI layer.

    Its ``roi_layer`` takes ``dict(output_size=7)``.
    """

    def build_roi_layers(
        self, layer_cfg: dict, featmap_strides: Sequence[int]
    ) -> nn.ModuleList:
        """Make one layer a level, of the given stride in input pixels."""
        return nn.ModuleList(
            CropResize(spatial_scale=1 / stride, **layer_cfg)
            for stride in featmap_strides
        )


@MODELS.register_module()
class InclusiveRoIExtractor(SingleRoIExtractor):
    """mmdet's extractor, its levels by areas with ``width = x2 - x1 + 1``.

    The rule of maskrcnn-benchmark and Scene-Graph-Benchmark, to the digit;
    what is pooled still is ``x2 - x1`` wide.
    """

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """Choose the level of each RoI, (n,) from 0.

        Args:
            rois: (n, 5) [image index, x1, y1, x2, y2], input-image pixels.
            num_levels: Levels there are.
        """
        widths, heights = (rois[:, 3:] - rois[:, 1:3] + 1).unbind(dim=1)
        # level 2 of the pyramid comes first, and level 4 pools 224 pixels
        scale = (widths * heights).sqrt() / (4 * self.finest_scale)
        levels = torch.floor(4 + torch.log2(scale + 1e-6)) - 2
        return levels.clamp(0, num_levels - 1).long()
