"""Evaluation of scene graphs."""

from .frequency_prior import prior_probabilities, prior_recall
from .metrics import DumpSceneGraphs, SceneGraphMetric
from .prediction_json import (
    graph_to_dict,
    read_scene_graphs,
    write_scene_graphs,
)
from .result_file import check_topk, largest_topk, read_samples

__all__ = [
    'DumpSceneGraphs',
    'SceneGraphMetric',
    'check_topk',
    'graph_to_dict',
    'largest_topk',
    'prior_probabilities',
    'prior_recall',
    'read_samples',
    'read_scene_graphs',
    'write_scene_graphs',
]
