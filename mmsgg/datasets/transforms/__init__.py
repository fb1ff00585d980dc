"""Transforms that load and pack images with their relations."""

from .formatting import PackSGInputs
from .loading import (
    LoadDetections,
    LoadImageFromFile,
    LoadProposals,
    LoadRelationAnnotations,
)
from .square_resize import SquareResize
from .truncated_resize import TruncatedResize

__all__ = [
    'LoadDetections',
    'LoadImageFromFile',
    'LoadProposals',
    'LoadRelationAnnotations',
    'PackSGInputs',
    'SquareResize',
    'TruncatedResize',
]
