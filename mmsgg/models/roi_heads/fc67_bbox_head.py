"""The box head of a VGG16 Faster R-CNN."""

from typing import Any

from mmdet.models.roi_heads.bbox_heads import BBoxHead
from torch import Tensor

from mmsgg.registry import MODELS


@MODELS.register_module()
class FC67BBoxHead(BBoxHead):
    """mmdet's box head on fc6 and fc7.

    Args:
        fc67: Config of the :class:`FC67Head` in front of the two classifiers.
        kwargs: As of mmdet's ``BBoxHead``.
    """

    def __init__(self, fc67: dict, **kwargs: Any) -> None:
        head: Any = MODELS.build(fc67)
        super().__init__(
            in_channels=head.out_channels, roi_feat_size=1, **kwargs
        )
        self.fc67 = head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score and refine n pooled regions.

        Args:
            x: (n, channels, size, size).

        Returns:
            Class logits (n, C + 1), background last, and box deltas
            (n, 4 C), or (n, 4) where they are class agnostic.
        """
        return super().forward(self.fc67(x))
