"""Anchors, box coding, and which pairs a relation head is trained on."""

from .inclusive_boxes import (
    InclusiveAnchorGenerator,
    InclusiveDeltaXYWHBBoxCoder,
)
from .relation_sampler import (
    DetectionRelationSampler,
    RelationSampler,
    RelationTargets,
)

__all__ = [
    'DetectionRelationSampler',
    'InclusiveAnchorGenerator',
    'InclusiveDeltaXYWHBBoxCoder',
    'RelationSampler',
    'RelationTargets',
]
