"""Pictures of scene graphs."""

from .graph_picture import draw_graph
from .sg_local_visualizer import SGLocalVisualizer

__all__ = ['SGLocalVisualizer', 'draw_graph']
