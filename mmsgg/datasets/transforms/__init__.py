"""Transforms that load and pack images with their relations."""

from mmdet.datasets.transforms import LoadAnnotations, Pad, RandomFlip, Resize

from mmsgg.registry import TRANSFORMS

from .formatting import PackSGInputs
from .loading import (
    LoadDetections,
    LoadImageFromFile,
    LoadProposals,
    LoadRelationAnnotations,
)
from .panoptic_relations import LoadPanopticRelations
from .resizes import SquareResize, TruncatedResize

__all__ = [
    'LoadDetections',
    'LoadImageFromFile',
    'LoadPanopticRelations',
    'LoadProposals',
    'LoadRelationAnnotations',
    'PackSGInputs',
    'SquareResize',
    'TruncatedResize',
]

# Without a prefix these names would be mmcv's, which do not know the boxes of
# mmdet. RandomResize and RandomChoiceResize look for 'Resize' so.
for _transform in (LoadAnnotations, Pad, RandomFlip, Resize):
    TRANSFORMS.register_module(module=_transform)
