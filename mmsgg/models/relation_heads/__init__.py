"""Heads that predict relations; one file a method."""

from .base_relation_head import BaseRelationHead
from .frequency_rel_head import FrequencyRelHead
from .linknet_rel_head import LinkNetRelHead

__all__ = ['BaseRelationHead', 'FrequencyRelHead', 'LinkNetRelHead']
