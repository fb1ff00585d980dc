"""fc6 and fc7 of VGG, and the box head of a VGG16 Faster R-CNN."""

from typing import Any

from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmengine.model import Sequential
from torch import Tensor, nn

from mmsgg.registry import MODELS


@MODELS.register_module()
class FC67Head(Sequential):
    """Two fully connected layers, each with ReLU and dropout.

    Its parameters are called ``0.*`` and ``3.*`` as in torchvision's VGG
    classifier, so ``init_cfg=dict(type='Pretrained',
    checkpoint='torchvision://vgg16', prefix='classifier.')`` loads them.

    Args:
        in_channels: Channels of the pooled region.
        roi_feat_size: Its height and width.
        out_channels: Width of both layers.
        dropout: Probability of dropping a channel in training.
        last_relu: Whether ReLU and dropout follow the second layer.
        init_cfg: Initialisation, mmengine's.
    """

    def __init__(
        self,
        in_channels: int = 512,
        roi_feat_size: int = 7,
        out_channels: int = 4096,
        dropout: float = 0.5,
        last_relu: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        layers = [
            nn.Linear(in_channels * roi_feat_size**2, out_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(out_channels, out_channels),
        ]
        if last_relu:
            layers += [nn.ReLU(), nn.Dropout(dropout)]
        super().__init__(*layers, init_cfg=init_cfg)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in_channels, size, size) to (n, out_channels)."""
        return super().forward(x.flatten(1))


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
