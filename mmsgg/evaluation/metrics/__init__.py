"""Metrics that an evaluator builds from a config."""

from .coco_metric import CocoMetric
from .dumps import DumpProposals, DumpSceneGraphs
from .scene_graph_metric import SceneGraphMetric

__all__ = [
    'CocoMetric',
    'DumpProposals',
    'DumpSceneGraphs',
    'SceneGraphMetric',
]
