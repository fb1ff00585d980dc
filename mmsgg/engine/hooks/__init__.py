"""Hooks that know more of data, checkpoints and rates than the runner."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .checkpoint_fit_hook import CheckpointFitHook
from .dataset_fit_hook import DatasetFitHook
from .finite_hook import FiniteHook
from .frequency_bias_hook import FrequencyBiasHook
from .loader_fit_hook import LoaderFitHook
from .predicate_count_hook import PredicateCountHook
from .resume_fit_hook import ResumeFitHook
from .resume_validation_hook import ResumeValidationHook
from .stop_at_low_rate_hook import StopAtLowRateHook
from .stop_signal_hook import StopSignalHook
from .word_vector_hook import WordVectorHook

__all__ = [
    'AtomicCheckpointHook',
    'CheckpointFitHook',
    'DatasetFitHook',
    'FiniteHook',
    'FrequencyBiasHook',
    'LoaderFitHook',
    'PredicateCountHook',
    'ResumeFitHook',
    'ResumeValidationHook',
    'StopAtLowRateHook',
    'StopSignalHook',
    'WordVectorHook',
]
