"""Relation heads: one file a method, with the layers that only it uses."""

from .base_relation_head import BaseRelationHead, RelationOutput
from .causal_motifs_rel_head import CausalMotifsRelHead
from .debiasing import LogitAdjustment, TotalDirectEffect
from .egtr_rel_head import EGTRRelHead
from .frequency_rel_head import FrequencyRelHead
from .imp_rel_head import IMPRelHead
from .linknet_rel_head import LinkNetRelHead
from .mlp_rel_head import MLPRelHead
from .motifs_rel_head import MotifsRelHead
from .pair_features import PairFeatures, UnionRoIExtractor, stack_pairs
from .penet_rel_head import PENetRelHead
from .product_motifs_rel_head import ProductMotifsRelHead
from .reltr_rel_head import RelTRRelHead
from .transformer_rel_head import (
    GatedTransformerRelHead,
    TransformerRelHead,
)
from .vctree_rel_head import VCTreeRelHead

__all__ = [
    'BaseRelationHead',
    'CausalMotifsRelHead',
    'EGTRRelHead',
    'FrequencyRelHead',
    'GatedTransformerRelHead',
    'IMPRelHead',
    'LinkNetRelHead',
    'LogitAdjustment',
    'MLPRelHead',
    'MotifsRelHead',
    'PENetRelHead',
    'PairFeatures',
    'ProductMotifsRelHead',
    'RelTRRelHead',
    'RelationOutput',
    'TotalDirectEffect',
    'TransformerRelHead',
    'UnionRoIExtractor',
    'VCTreeRelHead',
    'stack_pairs',
]
