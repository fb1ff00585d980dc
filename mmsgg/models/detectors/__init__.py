"""Detectors that carry a relation head."""

from .scene_graph_rcnn import SceneGraphRCNN

__all__ = ['SceneGraphRCNN']
