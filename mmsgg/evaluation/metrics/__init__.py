"""Metrics that an evaluator builds from a config."""

from .scene_graph_metric import SceneGraphMetric

__all__ = ['SceneGraphMetric']
