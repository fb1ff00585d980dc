"""Transforms that load and pack images with their relations."""

from .formatting import PackSGInputs
from .load_detections import LoadDetections
from .loading import LoadImageFromFile, LoadRelationAnnotations
from .proposals import LoadProposals
from .square_resize import SquareResize

__all__ = [
    'LoadDetections',
    'LoadImageFromFile',
    'LoadProposals',
    'LoadRelationAnnotations',
    'PackSGInputs',
    'SquareResize',
]
