"""Building blocks of relation heads that are no method's own."""

from .batch_norm import RobustBatchNorm1d, RobustBatchNorm2d
from .box_embedding import BoxEmbedding, RelativeBoxEmbedding
from .frequency_bias import FrequencyBias
from .geometric_layout import GeometricLayout
from .global_context import GlobalContext
from .object_sequences import ObjectSequences
from .predicate_shares import log_rarity, share_related, shift_predicates

__all__ = [
    'BoxEmbedding',
    'FrequencyBias',
    'GeometricLayout',
    'GlobalContext',
    'ObjectSequences',
    'RelativeBoxEmbedding',
    'RobustBatchNorm1d',
    'RobustBatchNorm2d',
    'log_rarity',
    'share_related',
    'shift_predicates',
]
