"""Hooks that know more of data, checkpoints and rates than the runner."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .finite_hook import FiniteHook
from .fit_hooks import CheckpointFitHook, DatasetFitHook, LoaderFitHook
from .resume_hooks import ResumeFitHook, ResumeValidationHook
from .speed_hook import SpeedHook
from .stop_at_low_rate_hook import StopAtLowRateHook
from .stop_signal_hook import StopSignalHook
from .training_counts import FrequencyBiasHook, PredicateCountHook
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
    'SpeedHook',
    'StopAtLowRateHook',
    'StopSignalHook',
    'WordVectorHook',
]
