"""How other code bases resize an image."""

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


@TRANSFORMS.register_module()
class TruncatedResize(Resize):
    """Give the short side a length; the long one follows, truncated.

    How maskrcnn-benchmark and Scene-Graph-Benchmark load an image: by
    Pillow, whose interpolation is antialiased. mmdet's ``Resize`` and
    ``ResizeShortestEdge`` round the long side, which makes many an image a
    pixel longer.

    Args:
        size: Short side, input-image pixels.
        max_size: Most that the long side may have; for a longer one the
            short side becomes less than ``size``.
    """

    def __init__(self, size: int = 600, max_size: int = 1000) -> None:
        super().__init__(scale=(max_size, size), backend='pillow')
        self.size = size
        self.max_size = max_size

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Say which width and height an image of this size gets."""
        short, long = sorted((width, height))
        size = self.size
        if long / short * size > self.max_size:
            size = max(round(self.max_size * short / long), 1)
        if short == size:
            return width, height
        longer = int(size * long / short)
        return (size, longer) if width < height else (longer, size)

    def _resize_img(self, results: dict) -> None:
        """Set ``img``, ``img_shape`` and ``scale_factor``."""
        height, width = results['img'].shape[:2]
        results['scale'] = self.input_size(width, height)
        super()._resize_img(results)
