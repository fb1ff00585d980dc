"""Hooks that know more of data, checkpoints and rates than the runner."""

from .checkpoint_fit_hook import CheckpointFitHook
from .dataset_fit_hook import DatasetFitHook
from .finite_hook import FiniteHook
from .frequency_bias_hook import FrequencyBiasHook
from .predicate_count_hook import PredicateCountHook
from .resume_validation_hook import ResumeValidationHook
from .stop_at_low_rate_hook import StopAtLowRateHook
from .word_vector_hook import WordVectorHook

__all__ = [
    'CheckpointFitHook',
    'DatasetFitHook',
    'FiniteHook',
    'FrequencyBiasHook',
    'PredicateCountHook',
    'ResumeValidationHook',
    'StopAtLowRateHook',
    'WordVectorHook',
]
