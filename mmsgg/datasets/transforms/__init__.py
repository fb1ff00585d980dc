"""Transforms that load and pack images with their relations."""

from .formatting import PackSGInputs
from .loading import LoadImageFromFile, LoadRelationAnnotations
from .square_resize import SquareResize

__all__ = [
    'LoadImageFromFile',
    'LoadRelationAnnotations',
    'PackSGInputs',
    'SquareResize',
]
