"""Whether the packages that mmsgg stands on fit, said in one sentence.

OpenMMLab's packages come in two lines of distributions that install the same
modules, so that pip cannot choose between them: they are checked here.
"""

import re
import warnings
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution

UPSTREAM = ('mmengine', 'mmcv', 'mmcv-lite', 'mmdet')
ONEDL = ('onedl-mmengine', 'onedl-mmcv', 'onedl-mmdetection')
# module -> the lowest and the highest version that was tried, which are those
# of requirements/upstream.txt and requirements/onedl.txt
TRIED = dict(
    torch=('2.1.2', '2.13.0'),
    mmengine=('0.10.7', '0.10.12'),
    mmcv=('2.1.0', '2.3.6'),
    mmdet=('3.3.0', '3.5.1'),
)
_INSTALL = "see 'Install into your own environment' in mmsgg's README"


def check_environment() -> None:
    """Check the installed packages at the import of mmsgg.

    A version above those that were tried is warned of, once.

    Raises:
        ImportError: Where one is missing or too old, where both lines are
            installed over each other, or where mmcv has no compiled ops.
    """
    _check_lines()
    for module in TRIED:
        _check_version(module)
    _check_ops()


def _check_lines() -> None:
    """See that the files of a module are of one distribution."""
    upstream = [name for name in UPSTREAM if _is_installed(name)]
    onedl = [name for name in ONEDL if _is_installed(name)]
    if upstream and onedl:
        both = ' '.join(upstream + onedl)
        raise ImportError(
            'two lines of OpenMMLab are installed over each other: remove '
            f"both with 'pip uninstall {both}' and install one, {_INSTALL}"
        )


def _check_version(module: str) -> None:
    """Import a module and compare its version with those tried."""
    lowest, highest = TRIED[module]
    try:
        version = import_module(module).__version__
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ImportError(
            f'mmsgg needs {module}, which is not installed: {_INSTALL}'
        ) from None
    except AssertionError as error:  # mmdet's own check of mmcv and mmengine
        raise ImportError(f'{module} does not fit: {error}') from None
    if _numbers(version) < _numbers(lowest):
        raise ImportError(
            f'mmsgg needs {module} {lowest} or newer, and this is {version}: '
            f'{_INSTALL}'
        )
    if _numbers(version) > _numbers(highest):
        warnings.warn(
            f'mmsgg was tried with {module} {lowest} to {highest}, and this '
            f'is {version}',
            stacklevel=4,
        )


def _check_ops() -> None:
    """See that mmcv's compiled ops load."""
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        reason = 'has no compiled ops'
        if not isinstance(error, ModuleNotFoundError):
            reason = f'was compiled for another torch ({error})'
        raise ImportError(
            f'this mmcv {reason}, of which mmsgg needs RoIAlign and NMS: '
            f'install it anew, {_INSTALL}'
        ) from None


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """The first three numbers of a version.

    Examples:
        >>> _numbers('2.13.0+cpu')
        (2, 13, 0)
    """
    return tuple(map(int, re.findall(r'\d+', version)[:3]))
