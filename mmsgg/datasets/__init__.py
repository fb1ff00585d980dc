"""Data sets of scene graphs, their transforms and their statistics."""

from .relation_statistics import count_relations, scene_graphs_of
from .scene_graph_arrays import SceneGraphArrays
from .toy_vg import TOY_CLASSES, TOY_PREDICATES, ToyVGDataset
from .transforms import (
    LoadImageFromFile,
    LoadRelationAnnotations,
    PackSGInputs,
)
from .vg150 import VG150Dataset
from .vg150_vocabulary import VG150_CLASSES, VG150_PREDICATES

__all__ = [
    'TOY_CLASSES',
    'TOY_PREDICATES',
    'VG150_CLASSES',
    'VG150_PREDICATES',
    'LoadImageFromFile',
    'LoadRelationAnnotations',
    'PackSGInputs',
    'SceneGraphArrays',
    'ToyVGDataset',
    'VG150Dataset',
    'count_relations',
    'scene_graphs_of',
]
