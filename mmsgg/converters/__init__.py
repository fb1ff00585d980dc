"""Checkpoints of other code bases under the names used here."""

from .linknet_pytorch import ConvertedWeights, convert_linknet_pytorch
from .model_check import check_anchors, check_weights

__all__ = [
    'ConvertedWeights',
    'check_anchors',
    'check_weights',
    'convert_linknet_pytorch',
]
