"""Detectors, object sources, relation heads and what they are made of."""

from .backbones import VGG16
from .dense_heads import LevelwiseRPNHead, MotifsRPNHead
from .detectors import SceneGraphDetector
from .losses import ClassBalancedLoss
from .object_sources import (
    GivenBoxes,
    ObjectSource,
    QueryObjects,
    SingleStageObjects,
    TransformerObjects,
    TwoStageObjects,
)
from .relation_heads import (
    BaseRelationHead,
    CausalMotifsRelHead,
    EGTRRelHead,
    FrequencyRelHead,
    GatedTransformerRelHead,
    IMPRelHead,
    LinkNetRelHead,
    MLPRelHead,
    MotifsRelHead,
    PairFeatures,
    PENetRelHead,
    ProductMotifsRelHead,
    RelationOutput,
    TotalDirectEffect,
    TransformerRelHead,
    UnionRoIExtractor,
    VCTreeRelHead,
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
    'CausalMotifsRelHead',
    'ClassBalancedLoss',
    'ConcatRoIExtractor',
    'CropResizeRoIExtractor',
    'EGTRRelHead',
    'FC67BBoxHead',
    'FC67Head',
    'FrequencyRelHead',
    'GatedTransformerRelHead',
    'GivenBoxes',
    'IMPRelHead',
    'InclusiveRoIExtractor',
    'LevelwiseRPNHead',
    'LinkNetRelHead',
    'MLPRelHead',
    'MotifsRPNHead',
    'MotifsRelHead',
    'ObjectSource',
    'PENetRelHead',
    'PairFeatures',
    'ProductMotifsRelHead',
    'QueryObjects',
    'RelationOutput',
    'Res5Head',
    'SceneGraphDetector',
    'SingleStageObjects',
    'TotalDirectEffect',
    'TransformerObjects',
    'TransformerRelHead',
    'TwoStageObjects',
    'UnionRoIExtractor',
    'VCTreeRelHead',
]
