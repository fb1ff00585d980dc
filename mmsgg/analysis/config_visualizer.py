"""The visualizer of a config."""

from mmengine.config import Config
from mmengine.visualization import Visualizer

from mmsgg.registry import VISUALIZERS


def build_visualizer(cfg: Config) -> Visualizer:
    """Build that of the config, without backends that write elsewhere.

    Args:
        cfg: One without a ``visualizer`` gets :class:`SGLocalVisualizer`.
    """
    settings = dict(cfg.get('visualizer', dict(type='SGLocalVisualizer')))
    settings.pop('vis_backends', None)
    return VISUALIZERS.get(settings.pop('type'))(**settings)
