"""Detectors, object sources, relation heads and what they are made of."""

from .backbones import VGG16
from .dense_heads import LevelwiseRPNHead, MotifsRPNHead
from .detectors import SceneGraphDetector
from .losses import ClassBalancedLoss
from .object_sources import (
    GivenBoxes,
    ObjectSource,
    SingleStageObjects,
    TransformerObjects,
    TwoStageObjects,
)
from .relation_heads import (
    BaseRelationHead,
    FrequencyRelHead,
    IMPRelHead,
    LinkNetRelHead,
    MLPRelHead,
    MotifsRelHead,
    PairFeatures,
    RelationOutput,
    TotalDirectEffect,
    TransformerRelHead,
    UnionRoIExtractor,
)
from .roi_heads import (
    ConcatRoIExtractor,
    CropResizeRoIExtractor,
    FC67BBoxHead,
    FC67Head,
    InclusiveRoIExtractor,
    Res5Head,
)

__all__ = [
    'VGG16',
    'BaseRelationHead',
    'ClassBalancedLoss',
    'ConcatRoIExtractor',
    'CropResizeRoIExtractor',
    'FC67BBoxHead',
    'FC67Head',
    'FrequencyRelHead',
    'GivenBoxes',
    'IMPRelHead',
    'InclusiveRoIExtractor',
    'LevelwiseRPNHead',
    'LinkNetRelHead',
    'MLPRelHead',
    'MotifsRPNHead',
    'MotifsRelHead',
    'ObjectSource',
    'PairFeatures',
    'RelationOutput',
    'Res5Head',
    'SceneGraphDetector',
    'SingleStageObjects',
    'TotalDirectEffect',
    'TransformerObjects',
    'TransformerRelHead',
    'TwoStageObjects',
    'UnionRoIExtractor',
]
