"""The building blocks of relation heads."""

from .batch_norm import RobustBatchNorm1d, RobustBatchNorm2d
from .frequency_bias import FrequencyBias
from .geometric_layout import GeometricLayout, relative_geometry
from .global_context import GlobalContext
from .relational_embedding import RelationalEmbedding

__all__ = [
    'FrequencyBias',
    'GeometricLayout',
    'GlobalContext',
    'RelationalEmbedding',
    'RobustBatchNorm1d',
    'RobustBatchNorm2d',
    'relative_geometry',
]
