"""Transforms that load and pack images with their relations."""

from .formatting import PackSGInputs
from .load_detections import LoadDetections
from .loading import LoadImageFromFile, LoadRelationAnnotations

__all__ = [
    'LoadDetections',
    'LoadImageFromFile',
    'LoadRelationAnnotations',
    'PackSGInputs',
]
