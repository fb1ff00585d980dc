"""Whether the packages that mmsgg stands on fit, said in one sentence.

OpenMMLab's packages come in two lines of distributions that install the same
modules, so that pip cannot choose between them: they are checked here.
"""

import re
import sys
import warnings
from functools import wraps
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any

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
ONEDL_LINE = 'Could not import OneDL. Skipping OneDL datasets.'
_INSTALL = "see 'Install into your own environment' in mmsgg's README"


def check_environment() -> None:
    """Check at the import of mmsgg which packages are installed.

    It imports none of them, which takes seconds. A version above those that
    were tried is warned of, once.

    Raises:
        ImportError: Where one is missing or too old, where both lines are
            installed over each other, or where mmcv has no compiled ops.
    """
    _check_lines()
    for module in TRIED:
        _check_version(module)
    if not any(_folder('mmcv').glob('_ext*')):
        raise ImportError(_without_ops('has no compiled ops'))


def check_imports() -> None:
    """Import mmdet and mmcv's ops, which may not fit what is installed.

    Raises:
        ImportError: Where mmdet refuses mmcv or mmengine, or where mmcv was
            compiled for another torch.
    """
    try:
        import_module('mmdet')
    except AssertionError as error:
        raise ImportError(f'mmdet does not fit: {error}') from None
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        reason = f'was compiled for another torch ({error})'
        raise ImportError(_without_ops(reason)) from None


def quiet_mmdet() -> None:
    """Keep back what mmdet says at each start of what mmsgg does not use.

    It imports nothing, as it runs at the import of mmsgg.
    """
    warnings.filterwarnings('ignore', 'faster_coco_eval is not installed')
    sys.meta_path.insert(0, _AtImportOfDatasets())


class _AtImportOfDatasets:
    """A finder that finds nothing, and is asked before mmdet's data sets run.

    They print a line of debugging past any logger, twice: no level keeps it
    back. They may be imported by mmsgg, by mmdet or by a user.
    """

    def find_spec(
        self, name: str, path: object, target: object = None
    ) -> None:
        if name != 'mmdet.datasets':
            return
        logging: Any = import_module('mmengine.logging')
        print_log = logging.print_log

        @wraps(print_log)
        def print_others(msg: Any, *args: Any, **kwargs: Any) -> None:
            if msg != ONEDL_LINE:
                print_log(msg, *args, **kwargs)

        logging.print_log = print_others


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
    """Compare the version of a module with those tried."""
    lowest, highest = TRIED[module]
    file = _folder(module) / 'version.py'
    if not file.is_file():
        file = file.with_name('__init__.py')
    version = run_path(str(file))['__version__']
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


def _folder(module: str) -> Path:
    """Where a module is installed."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(
            f'mmsgg needs {module}, which is not installed: {_INSTALL}'
        )
    return Path(spec.origin).parent


def _without_ops(reason: str) -> str:
    """The sentence about an mmcv whose ops do not serve."""
    return (
        f'this mmcv {reason}, of which mmsgg needs RoIAlign and NMS: install '
        f'it anew, {_INSTALL}'
    )


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
