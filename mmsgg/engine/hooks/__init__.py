"""Hooks that know more of the data or of a checkpoint than the runner."""

from .checkpoint_fit_hook import CheckpointFitHook
from .frequency_bias_hook import FrequencyBiasHook
from .predicate_count_hook import PredicateCountHook
from .word_vector_hook import WordVectorHook

__all__ = [
    'CheckpointFitHook',
    'FrequencyBiasHook',
    'PredicateCountHook',
    'WordVectorHook',
]
