"""Region proposals."""

from .motifs_rpn_head import MotifsRPNHead

__all__ = ['MotifsRPNHead']
