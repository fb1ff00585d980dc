"""Pictures of scene graphs."""

from .sg_local_visualizer import SGLocalVisualizer

__all__ = ['SGLocalVisualizer']
