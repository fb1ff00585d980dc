"""Scene graph generation on mmengine, mmcv and mmdet."""

from mmsgg.compatibility import check_environment, quiet_mmdet
from mmsgg.version import __version__

check_environment()
quiet_mmdet()

__all__ = ['__version__']
