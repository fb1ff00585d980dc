"""Detectors that carry a relation head."""

from .scene_graph_detector import SamplesDataPreprocessor, SceneGraphDetector

__all__ = ['SamplesDataPreprocessor', 'SceneGraphDetector']
