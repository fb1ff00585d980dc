"""Detectors that carry a relation head."""

from .scene_graph_from_boxes import (
    SamplesDataPreprocessor,
    SceneGraphFromBoxes,
)
from .scene_graph_rcnn import SceneGraphRCNN

__all__ = ['SamplesDataPreprocessor', 'SceneGraphFromBoxes', 'SceneGraphRCNN']
