"""Region proposals."""

from .levelwise_rpn_head import LevelwiseRPNHead
from .motifs_rpn_head import MotifsRPNHead

__all__ = ['LevelwiseRPNHead', 'MotifsRPNHead']
