"""Heads that predict relations; one file a method."""

from .base_relation_head import BaseRelationHead
from .context_rel_head import ContextRelHead
from .frequency_rel_head import FrequencyRelHead
from .imp_rel_head import IMPRelHead, MessagePassing
from .linknet_rel_head import LinkNetRelHead
from .mlp_rel_head import MLPRelHead
from .motifs_rel_head import MotifsRelHead
from .region_rel_head import RegionRelHead
from .total_direct_effect import TotalDirectEffect
from .transformer_rel_head import TransformerRelHead

__all__ = [
    'BaseRelationHead',
    'ContextRelHead',
    'FrequencyRelHead',
    'IMPRelHead',
    'LinkNetRelHead',
    'MLPRelHead',
    'MessagePassing',
    'MotifsRelHead',
    'RegionRelHead',
    'TotalDirectEffect',
    'TransformerRelHead',
]
