"""VGG16 up to conv5_3, the backbone of LinkNet."""

from mmcv.cnn import VGG
from mmengine.model import BaseModule
from torch import Tensor

from mmsgg.registry import MODELS


@MODELS.register_module()
class VGG16(VGG, BaseModule):
    """VGG16 without its last pooling: one map of 512 channels at stride 16.

    Parameters are named as in torchvision (``features.N.weight``), so that
    ``init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')``
    loads them.

    Args:
        frozen_stages: How many of the five stages, from the image on, are
            not trained; 0 trains all. conv1 and conv2 are usually frozen.
        init_cfg: Initialisation, mmengine's.
    """

    def __init__(
        self, frozen_stages: int = 2, init_cfg: dict | None = None
    ) -> None:
        super().__init__(
            depth=16,
            out_indices=(4,),
            frozen_stages=frozen_stages,
            with_last_pool=False,
        )
        self.init_cfg = init_cfg
        self.train()

    def init_weights(self) -> None:
        """Initialise from ``init_cfg``, or by mmcv's rule without one."""
        if self.init_cfg is None:
            VGG.init_weights(self)
        BaseModule.init_weights(self)

    def train(self, mode: bool = True) -> 'VGG16':
        """Switch the mode; unlike mmcv's VGG, return the module."""
        super().train(mode)
        return self

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map (B, 3, H, W) images to ((B, 512, H / 16, W / 16),)."""
        return (super().forward(x),)
