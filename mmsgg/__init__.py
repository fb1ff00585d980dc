"""Scene graph generation on mmengine, mmcv and mmdet."""

from mmsgg.compatibility import check_environment
from mmsgg.version import __version__

check_environment()

__all__ = ['__version__']
