"""Backbones, detectors, RoI heads and relation heads."""

from .backbones import VGG16
from .dense_heads import MotifsRPNHead
from .detectors import SceneGraphRCNN
from .relation_heads import (
    BaseRelationHead,
    FrequencyRelHead,
    LinkNetRelHead,
)
from .roi_heads import (
    CropResizeRoIExtractor,
    FC67BBoxHead,
    FC67Head,
    Res5Head,
    UnionRoIExtractor,
)

__all__ = [
    'VGG16',
    'BaseRelationHead',
    'CropResizeRoIExtractor',
    'FC67BBoxHead',
    'FC67Head',
    'FrequencyRelHead',
    'LinkNetRelHead',
    'MotifsRPNHead',
    'Res5Head',
    'SceneGraphRCNN',
    'UnionRoIExtractor',
]
