"""The building blocks that several relation heads share."""

from .batch_norm import RobustBatchNorm1d, RobustBatchNorm2d
from .box_embedding import BoxEmbedding
from .frequency_bias import FrequencyBias
from .geometric_layout import GeometricLayout
from .object_sequences import ObjectSequences

__all__ = [
    'BoxEmbedding',
    'FrequencyBias',
    'GeometricLayout',
    'ObjectSequences',
    'RobustBatchNorm1d',
    'RobustBatchNorm2d',
]
