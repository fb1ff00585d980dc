"""Metrics that an evaluator builds from a config."""

from .dump_scene_graphs import DumpSceneGraphs
from .scene_graph_metric import SceneGraphMetric

__all__ = ['DumpSceneGraphs', 'SceneGraphMetric']
