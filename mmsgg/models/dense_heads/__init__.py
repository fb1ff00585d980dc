"""Region proposals."""

from .rpn_heads import LevelwiseRPNHead, MotifsRPNHead

__all__ = ['LevelwiseRPNHead', 'MotifsRPNHead']
