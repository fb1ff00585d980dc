"""What mmdet's RoI heads lack, and relation heads share."""

from .fc67_head import FC67BBoxHead, FC67Head
from .res5_head import Res5Head
from .roi_extractors import (
    ConcatRoIExtractor,
    CropResizeRoIExtractor,
    InclusiveRoIExtractor,
)

__all__ = [
    'ConcatRoIExtractor',
    'CropResizeRoIExtractor',
    'FC67BBoxHead',
    'FC67Head',
    'InclusiveRoIExtractor',
    'Res5Head',
]
