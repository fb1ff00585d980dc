"""From boxes to their features, and from detections to objects."""

from .crop_resize_roi_extractor import CropResizeRoIExtractor
from .detection_selection import as_logits, select_detections
from .fc67_bbox_head import FC67BBoxHead
from .fc67_head import FC67Head
from .res5_head import Res5Head
from .union_roi_extractor import UnionRoIExtractor, pair_rows

__all__ = [
    'CropResizeRoIExtractor',
    'FC67BBoxHead',
    'FC67Head',
    'Res5Head',
    'UnionRoIExtractor',
    'as_logits',
    'pair_rows',
    'select_detections',
]
