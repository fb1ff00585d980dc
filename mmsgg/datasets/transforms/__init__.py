"""Transforms that load and pack images with their relations."""

from .formatting import PackSGInputs
from .loading import LoadImageFromFile, LoadRelationAnnotations

__all__ = ['LoadImageFromFile', 'LoadRelationAnnotations', 'PackSGInputs']
