"""What mmdet's RoI heads lack, and relation heads share."""

from .concat_roi_extractor import ConcatRoIExtractor
from .crop_resize_roi_extractor import CropResizeRoIExtractor
from .fc67_bbox_head import FC67BBoxHead
from .fc67_head import FC67Head
from .inclusive_roi_extractor import InclusiveRoIExtractor
from .res5_head import Res5Head

__all__ = [
    'ConcatRoIExtractor',
    'CropResizeRoIExtractor',
    'FC67BBoxHead',
    'FC67Head',
    'InclusiveRoIExtractor',
    'Res5Head',
]
