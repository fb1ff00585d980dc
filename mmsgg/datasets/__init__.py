"""Data sets of scene graphs, their transforms and their statistics."""

from .bad_rows import BadRows
from .bi_level_resampled_dataset import BiLevelResampledDataset
from .coco_relations import SceneGraphJsonDataset
from .coco_relations_writer import write_scene_graph_json
from .cvat import CVATDataset
from .gqa import GQA200_CLASSES, GQA200_PREDICATES, GQA200Dataset
from .label_studio import LabelStudioDataset
from .open_images import OpenImagesDataset
from .psg import PSGDataset
from .relation_statistics import (
    count_relations,
    inner_datasets,
    scene_graphs_of,
)
from .reltr import RelTRDataset
from .scene_graph_arrays import SceneGraphArrays
from .scene_graph_dataset import SceneGraphDataset
from .toy_vg import TOY_CLASSES, TOY_PREDICATES, ToyVGDataset
from .transforms import (
    LoadImageFromFile,
    LoadPanopticRelations,
    LoadRelationAnnotations,
    PackSGInputs,
    SquareResize,
    TruncatedResize,
)
from .vg import VGDataset
from .vg150 import VG150_CLASSES, VG150_PREDICATES, VG150Dataset
from .vg150_file import write_vg150
from .vrd import VRD_CLASSES, VRD_PREDICATES, VRDDataset

__all__ = [
    'GQA200_CLASSES',
    'GQA200_PREDICATES',
    'TOY_CLASSES',
    'TOY_PREDICATES',
    'VG150_CLASSES',
    'VG150_PREDICATES',
    'VRD_CLASSES',
    'VRD_PREDICATES',
    'BadRows',
    'BiLevelResampledDataset',
    'CVATDataset',
    'GQA200Dataset',
    'LabelStudioDataset',
    'LoadImageFromFile',
    'LoadPanopticRelations',
    'LoadRelationAnnotations',
    'OpenImagesDataset',
    'PSGDataset',
    'PackSGInputs',
    'RelTRDataset',
    'SceneGraphArrays',
    'SceneGraphDataset',
    'SceneGraphJsonDataset',
    'SquareResize',
    'ToyVGDataset',
    'TruncatedResize',
    'VG150Dataset',
    'VGDataset',
    'VRDDataset',
    'count_relations',
    'inner_datasets',
    'scene_graphs_of',
    'write_scene_graph_json',
    'write_vg150',
]
