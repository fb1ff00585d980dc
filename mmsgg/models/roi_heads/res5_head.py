"""res5 of a C4 detector: from a pooled region to a vector."""

from typing import Any

from mmdet.models.backbones import ResNet
from mmdet.models.roi_heads.shared_heads import ResLayer
from torch import Tensor

from mmsgg.registry import MODELS


@MODELS.register_module()
class Res5Head(ResLayer):
    """The last stage of a ResNet, averaged over the region.

    Its parameters are called as those of the ``shared_head`` of mmdet's C4
    detectors (``layer4.*``), from which it can start.

    Args:
        depth: Of the ResNet: 18, 34, 50, 101 or 152.
        kwargs: As of mmdet's ``ResLayer``.
    """

    def __init__(self, depth: int, **kwargs: Any) -> None:
        super().__init__(depth, **kwargs)
        block, _ = ResNet.arch_settings[depth]
        self.out_channels = 64 * 2**self.stage * block.expansion

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in_channels, size, size) to (n, out_channels)."""
        return super().forward(x).mean(dim=(2, 3))
