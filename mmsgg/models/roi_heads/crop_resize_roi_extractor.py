"""RoI pooling by crop and resize, as old SGG checkpoints were trained."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn

from mmsgg.registry import MODELS


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
