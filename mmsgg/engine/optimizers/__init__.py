"""What is handed to the optimizer."""

from .trained_only_constructor import TrainedOnlyConstructor

__all__ = ['TrainedOnlyConstructor']
