"""RoI features off the level that fits a box that names its last pixel."""

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor

from mmsgg.registry import MODELS


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
