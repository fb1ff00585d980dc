"""Resize an image by its short side, as maskrcnn-benchmark does."""

from mmdet.datasets.transforms import Resize

from mmsgg.registry import TRANSFORMS


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
