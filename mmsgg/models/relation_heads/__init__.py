"""Relation heads: one file a method, with the layers that only it uses."""

from .base_relation_head import BaseRelationHead, RelationOutput
from .frequency_rel_head import FrequencyRelHead
from .imp_rel_head import IMPRelHead
from .linknet_rel_head import LinkNetRelHead
from .mlp_rel_head import MLPRelHead
from .motifs_rel_head import MotifsRelHead
from .pair_features import PairFeatures, UnionRoIExtractor, stack_pairs
from .total_direct_effect import TotalDirectEffect
from .transformer_rel_head import TransformerRelHead

__all__ = [
    'BaseRelationHead',
    'FrequencyRelHead',
    'IMPRelHead',
    'LinkNetRelHead',
    'MLPRelHead',
    'MotifsRelHead',
    'PairFeatures',
    'RelationOutput',
    'TotalDirectEffect',
    'TransformerRelHead',
    'UnionRoIExtractor',
    'stack_pairs',
]
