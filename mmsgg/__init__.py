"""Scene graph generation on mmengine, mmcv and mmdet."""

from mmsgg.version import __version__

__all__ = ['__version__']
