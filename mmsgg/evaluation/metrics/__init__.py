"""Metrics that an evaluator builds from a config."""

from .coco_metric import CocoMetric
from .dump_proposals import DumpProposals
from .dump_scene_graphs import DumpSceneGraphs
from .scene_graph_metric import SceneGraphMetric

__all__ = [
    'CocoMetric',
    'DumpProposals',
    'DumpSceneGraphs',
    'SceneGraphMetric',
]
