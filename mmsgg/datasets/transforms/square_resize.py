"""Pad an image to a square, then resize that."""

from collections.abc import Sequence

import mmcv
from mmdet.datasets.transforms import Resize

from mmsgg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SquareResize(Resize):
    """Pad to the right or below to a square, then resize to ``size``.

    How neural-motifs and linknet-pytorch load an image: the padding takes
    part in the interpolation, and both sides have exactly the same scale.
    ``img_shape`` is the part of the square that shows the image.

    Args:
        size: Side of the square, input-image pixels.
        pad_val: Padding, a value a channel in the order of the image (mmcv
            loads BGR). The default is about the mean of ImageNet.
    """

    def __init__(
        self, size: int = 592, pad_val: Sequence[int] = (103, 116, 124)
    ) -> None:
        super().__init__(scale=(size, size), backend='pillow')
        self.size = size
        self.pad_val = tuple(pad_val)

    def _resize_img(self, results: dict) -> None:
        """Set ``img``, ``img_shape`` and ``scale_factor``."""
        shape = results['img'].shape[:2]
        side = max(shape)
        results['img'] = mmcv.impad(
            results['img'], shape=(side, side), pad_val=self.pad_val
        )
        super()._resize_img(results)
        results['img_shape'] = tuple(
            self.size if length == side else int(length * (self.size / side))
            for length in shape
        )
