"""A clear sentence where the packages of OpenMMLab do not fit.

Each case imports mmsgg in a Python of its own that sees small fakes of the
packages, and the standard library, alone.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmsgg.compatibility import TRIED

ROOT = Path(__file__).parents[1]
GOOD = dict(torch='2.1.2+cu121', mmengine='0.10.7', mmcv='2.1.0',
            mmdet='3.3.0')  # fmt: skip
# what only shows once they are imported is looked at by mmsgg.registry
IMPORTS = 'from mmsgg.compatibility import check_imports; check_imports()'


@pytest.fixture
def write(tmp_path):
    """Write fake packages: modules with a version, distributions, ops."""

    def write(versions=GOOD, distributions=('mmcv', 'mmdet'), ops=''):
        for module, version in versions.items():
            package = tmp_path / module
            package.mkdir()
            (package / '__init__.py').write_text(f'__version__ = {version!r}')
        for name in distributions:
            info = tmp_path / f'{name.replace("-", "_")}-9.0.dist-info'
            info.mkdir()
            (info / 'METADATA').write_text(f'Name: {name}\nVersion: 9.0\n')
        if ops is not None:
            (tmp_path / 'mmcv' / '_ext.py').write_text(ops)

    return write


@pytest.fixture
def import_mmsgg(tmp_path):
    """Import mmsgg among them; returns the last line of its errors."""

    def import_mmsgg():
        done = subprocess.run(
            [sys.executable, '-S', '-c', IMPORTS],
            env=dict(PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)])),
            capture_output=True,
            text=True,
            timeout=60,
        )
        lines = done.stderr.splitlines()
        assert bool(done.returncode) == any('Error' in line for line in lines)
        return lines[-1] if done.returncode else done.stderr

    return import_mmsgg


@pytest.mark.parametrize(
    ('versions', 'warned'),
    [
        (GOOD, []),
        ({name: highest for name, (_, highest) in TRIED.items()}, []),
        (dict(GOOD, torch='2.14.1', mmdet='4.0.0rc1'), ['torch', 'mmdet']),
    ],
)
def test_what_fits(write, import_mmsgg, versions, warned):
    write(versions)
    errors = import_mmsgg()
    assert errors.count('UserWarning') == len(warned)
    for module in warned:
        lowest, highest = TRIED[module]
        assert f'tried with {module} {lowest} to {highest}' in errors


@pytest.mark.parametrize('module', list(GOOD))
def test_a_package_is_missing(write, import_mmsgg, module):
    write({name: v for name, v in GOOD.items() if name != module}, ops=None)
    assert import_mmsgg() == (
        f'ImportError: mmsgg needs {module}, which is not installed: see '
        "'Install into your own environment' in mmsgg's README"
    )


@pytest.mark.parametrize(
    ('module', 'version'),
    [
        ('torch', '2.1.0'),
        ('mmengine', '0.9.1'),
        ('mmcv', '2.0.1'),
        ('mmdet', '3.2.0'),
        ('mmdet', '2.28.2'),
    ],
)
def test_a_package_is_too_old(write, import_mmsgg, module, version):
    write(dict(GOOD, **{module: version}))
    assert import_mmsgg().startswith(
        f'ImportError: mmsgg needs {module} {GOOD[module].partition("+")[0]} '
        f'or newer, and this is {version}: see '
    )


def test_mmdet_refuses_mmcv(write, import_mmsgg, tmp_path):
    write()
    (tmp_path / 'mmdet' / 'version.py').write_text("__version__ = '3.3.0'")
    (tmp_path / 'mmdet' / '__init__.py').write_text(
        "assert False, 'Please install mmcv>=2, <2.2.'"
    )
    assert import_mmsgg() == (
        'ImportError: mmdet does not fit: Please install mmcv>=2, <2.2.'
    )


@pytest.mark.parametrize(
    ('ops', 'reason'),
    [
        (None, 'has no compiled ops'),
        (
            "raise ImportError('undefined symbol: _ZN2at4')",
            r'was compiled for another torch (undefined symbol: _ZN2at4)',
        ),
    ],
)
def test_mmcv_without_ops(write, import_mmsgg, ops, reason):
    write(ops=ops)
    message = import_mmsgg()
    assert message.startswith(f'ImportError: this mmcv {reason}, of which')
    assert 'README' in message


@pytest.mark.parametrize(
    'names',
    [
        ('mmdet', 'onedl-mmdetection'),
        ('mmcv-lite', 'onedl-mmcv'),
        ('mmengine', 'onedl-mmcv'),
        ('mmengine', 'mmcv', 'mmdet', 'onedl-mmengine', 'onedl-mmcv',
         'onedl-mmdetection'),
    ],
)  # fmt: skip
def test_both_lines_over_each_other(write, import_mmsgg, names):
    write(distributions=names)
    message = import_mmsgg()
    assert 'two lines of OpenMMLab are installed over each other' in message
    assert f"'pip uninstall {' '.join(names)}'" in message


def test_the_import_of_mmsgg_imports_none_of_them():
    code = f'import mmsgg, sys; print({{*{[*TRIED]}}} & {{*sys.modules}})'
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == 'set()', done.stderr


def test_the_registry_looks_at_what_only_an_import_shows(write, tmp_path):
    write(ops="raise ImportError('undefined symbol: _ZN2at4')")
    done = subprocess.run(
        [sys.executable, '-S', '-c', 'import mmsgg.registry'],
        env=dict(PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)])),
        capture_output=True,
        text=True,
    )
    assert 'was compiled for another torch' in done.stderr.splitlines()[-1]


def test_mmdet_says_nothing_at_a_start():
    code = (
        'import mmsgg, mmdet.datasets, mmsgg.evaluation\n'
        'from mmengine.logging import print_log\n'
        "print_log('another line')"
    )
    tool = ['tools/dataset_converters/make_toy_vg.py', '--help']
    for command in (['-c', code], tool):
        done = subprocess.run(
            [sys.executable, *command],
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert not re.search('OneDL|coco_eval', done.stdout + done.stderr)
        assert done.stdout.startswith(('another line\n', 'usage: make_toy'))
