"""Which pairs of objects a relation head is trained on."""

from .relation_sampler import DetectionRelationSampler, RelationSampler

__all__ = ['DetectionRelationSampler', 'RelationSampler']
