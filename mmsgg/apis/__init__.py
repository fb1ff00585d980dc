"""From any image to its scene graph."""

from .graph_filter import filter_graph, filter_sample
from .input_images import list_images
from .sgg_inferencer import SGGInferencer

__all__ = ['SGGInferencer', 'filter_graph', 'filter_sample', 'list_images']
