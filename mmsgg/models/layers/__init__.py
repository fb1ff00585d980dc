"""The building blocks of relation heads."""

from .batch_norm import RobustBatchNorm1d, RobustBatchNorm2d
from .box_embedding import BoxEmbedding
from .frequency_bias import FrequencyBias
from .geometric_layout import GeometricLayout
from .global_context import GlobalContext
from .label_decoder import LabelDecoder
from .object_lstm import ObjectLSTM
from .object_sequences import ObjectSequences
from .object_transformer import ObjectTransformer
from .relational_embedding import RelationalEmbedding

__all__ = [
    'BoxEmbedding',
    'FrequencyBias',
    'GeometricLayout',
    'GlobalContext',
    'LabelDecoder',
    'ObjectLSTM',
    'ObjectSequences',
    'ObjectTransformer',
    'RelationalEmbedding',
    'RobustBatchNorm1d',
    'RobustBatchNorm2d',
]
