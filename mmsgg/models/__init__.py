"""Backbones, detectors, RoI heads, relation heads and their losses."""

from .backbones import VGG16
from .dense_heads import MotifsRPNHead
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
    Res5Head,
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
    'MotifsRPNHead',
    'MotifsRelHead',
    'RegionRelHead',
    'Res5Head',
    'SceneGraphFromBoxes',
    'SceneGraphRCNN',
    'TotalDirectEffect',
    'TransformerRelHead',
    'UnionRoIExtractor',
]
