"""Hooks that give a relation head what the training set knows."""

from .frequency_bias_hook import FrequencyBiasHook
from .predicate_count_hook import PredicateCountHook
from .word_vector_hook import WordVectorHook

__all__ = ['FrequencyBiasHook', 'PredicateCountHook', 'WordVectorHook']
