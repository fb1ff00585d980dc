"""Backbones, detectors, RoI heads, relation heads and their losses."""

from .backbones import VGG16
from .detectors import SceneGraphFromBoxes, SceneGraphRCNN
from .losses import ClassBalancedLoss
from .relation_heads import (
    BaseRelationHead,
    ContextRelHead,
    FrequencyRelHead,
    IMPRelHead,
    LinkNetRelHead,
    MotifsRelHead,
    RegionRelHead,
    TotalDirectEffect,
    TransformerRelHead,
)
from .roi_heads import (
    CropResizeRoIExtractor,
    FC67BBoxHead,
    FC67Head,
    UnionRoIExtractor,
)

__all__ = [
    'VGG16',
    'BaseRelationHead',
    'ClassBalancedLoss',
    'ContextRelHead',
    'CropResizeRoIExtractor',
    'FC67BBoxHead',
    'FC67Head',
    'FrequencyRelHead',
    'IMPRelHead',
    'LinkNetRelHead',
    'MotifsRelHead',
    'RegionRelHead',
    'SceneGraphFromBoxes',
    'SceneGraphRCNN',
    'TotalDirectEffect',
    'TransformerRelHead',
    'UnionRoIExtractor',
]
