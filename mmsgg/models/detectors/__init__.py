"""Detectors that carry a relation head."""

from .entity_detr import EntityDETR
from .scene_graph_detector import SamplesDataPreprocessor, SceneGraphDetector

__all__ = ['EntityDETR', 'SamplesDataPreprocessor', 'SceneGraphDetector']
