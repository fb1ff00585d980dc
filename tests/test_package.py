"""What ``pip install .`` puts where: the command, the configs, mim's files."""

import os
import subprocess
import sys
import zipfile
from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.utils import get_installed_path

import mmsgg.registry  # noqa: F401  knows mmsgg as a scope
from mmsgg import __version__
from mmsgg.__main__ import COMMANDS, MIM, main
from mmsgg.arguments import config_file

from .folders import ROOT

#: What mim looks for, and what the command starts.
PACKAGED = ('configs', 'tools', 'demo', 'projects/web_demo')
INDICES = ('model-index.yml', 'dataset-index.yml')
BUILD = """
import sys
from setuptools import Distribution
folder = sys.argv[1]
dist = Distribution(dict(script_name='setup.py', script_args=[
    'build', '--build-base', folder + '/build',
    'egg_info', '--egg-base', folder,
    'bdist_wheel', '--dist-dir', folder]))
dist.parse_config_files()
dist.parse_command_line()
dist.run_commands()
"""


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    """The files of a wheel, as pip would lay them into an environment."""
    pytest.importorskip('setuptools', '70.1', reason='builds a wheel')
    folder = tmp_path_factory.mktemp('wheel')
    # setuptools reads setup.cfg in the current folder and changes a process
    command = [sys.executable, '-c', BUILD, str(folder)]
    subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, timeout=300
    )
    [path] = folder.glob(f'mmsgg-{__version__}-*.whl')
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / 'site')
    return folder / 'site'


def files_of(folder: Path) -> set[str]:
    """The files that git keeps of a folder, without tests."""
    listed = subprocess.run(
        ['git', 'ls-files', '--', folder.relative_to(ROOT)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return {name for name in listed if '/tests/' not in name}


@pytest.mark.skipif(not (ROOT / '.git').exists(), reason='asks git')
def test_the_wheel_holds_the_files_of_the_repository(wheel):
    mim = wheel / 'mmsgg' / '.mim'
    found = {
        path.relative_to(mim).as_posix()
        for path in mim.rglob('*')
        if path.is_file()
    }
    expected = set().union(*(files_of(ROOT / name) for name in PACKAGED))
    assert expected | set(INDICES) <= found
    # what lies about in a clone stays there
    assert not [name for name in found if 'tests/' in name or 'pyc' in name]
    assert (wheel / 'mmsgg' / 'py.typed').is_file()
    assert {path.name for path in wheel.iterdir()} == {
        'mmsgg', f'mmsgg-{__version__}.dist-info'
    }  # fmt: skip


def test_the_wheel_has_a_command(wheel):
    [info] = wheel.glob('*.dist-info')
    assert 'mmsgg = mmsgg.__main__:main' in (
        info / 'entry_points.txt'
    ).read_text()  # fmt: skip


def test_the_command_of_the_wheel_works_in_any_folder(wheel, tmp_path):
    env = dict(os.environ, PYTHONPATH=str(wheel))
    command = [sys.executable, '-m', 'mmsgg', 'train', 'linknet/sgde']
    result = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "there is no config 'linknet/sgde'" in result.stderr
    assert 'near it: linknet/sgdet, ' in result.stderr


def test_a_clone_has_what_a_wheel_has():
    assert {path.name for path in MIM.iterdir()} > {*INDICES}
    for name in (*PACKAGED, *INDICES, *COMMANDS.values()):
        assert (MIM / name).resolve() == ROOT / name
        assert (MIM / name).exists()


@pytest.mark.parametrize(
    ('command', 'script'), [*COMMANDS.items(), ('misc/x', 'tools/misc/x.py')]
)
def test_a_command_runs_its_tool(
    tmp_path, monkeypatch, capsys, command, script
):
    path = tmp_path / script
    path.parent.mkdir(parents=True)
    path.write_text(
        'import sys, beside\n'
        "if __name__ == '__main__':\n"
        '    print(__file__, sys.argv[1:], beside.HERE)\n'
        '    raise SystemExit(3)\n'
    )
    path.with_name('beside.py').write_text("HERE = 'found'\n")
    monkeypatch.setattr('mmsgg.__main__.MIM', tmp_path)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    monkeypatch.setattr(sys, 'argv', ['mmsgg'])
    monkeypatch.delitem(sys.modules, 'beside', raising=False)
    with pytest.raises(SystemExit) as stop:
        main([command, 'a.py', '--help', '--cfg-options', 'b=1'])
    assert stop.value.code == 3
    argv = ['a.py', '--help', '--cfg-options', 'b=1']
    assert capsys.readouterr().out == f'{path} {argv} found\n'


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(['trian'])
    assert stop.value.code == 2
    assert "no command 'trian', only train, test" in capsys.readouterr().err


@pytest.mark.parametrize(
    'name',
    ['toy/sgcls', 'toy/sgcls.py', 'configs/toy/sgcls.py', 'mmsgg::toy/sgcls'],
)
def test_a_config_is_found_by_its_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert Path(config_file(name)).samefile(ROOT / 'configs/toy/sgcls.py')


def test_a_file_of_ones_own_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'toy').mkdir()
    (tmp_path / 'toy' / 'sgcls.py').touch()
    assert config_file('toy/sgcls.py') == 'toy/sgcls.py'


def test_a_mistyped_name_gets_the_names_near_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentTypeError, match=r'near it: .*linknet/sgdet,'):
        config_file('linknet/sgdat')
    (tmp_path / 'linknet').mkdir()
    (tmp_path / 'linknet' / 'sgdat2.py').touch()
    near = r'near it: linknet/sgdat2\.py, linknet/sgdet'
    with pytest.raises(ArgumentTypeError, match=near):
        config_file('linknet/sgdat.py')


def without_scope(value):
    """A config without what mmengine adds to one of another package."""
    if isinstance(value, dict):
        return {
            key: without_scope(item)
            for key, item in value.items()
            if key != '_scope_'
        }
    if isinstance(value, (list, tuple)):
        return [without_scope(item) for item in value]
    return value


@pytest.mark.parametrize('base', ['toy/sgcls.py', 'linknet/sgdet.py'])
def test_a_config_of_ones_own_inherits_ours(tmp_path, base):
    if not Path(get_installed_path('mmsgg'), '.mim').exists():
        pytest.skip('mmengine 0.10.7 does not find an editable install')
    path = tmp_path / 'mine.py'
    path.write_text(
        f"_base_ = 'mmsgg::{base}'\n"
        'model = dict(relation_head=dict(reduction=4))\n'
    )
    cfg = Config.fromfile(path)
    expected = Config.fromfile(ROOT / 'configs' / base)
    assert cfg.model.relation_head.pop('reduction') == 4
    expected.model.relation_head.pop('reduction', None)
    assert cfg.model._scope_ == 'mmsgg'
    assert without_scope(cfg.to_dict()) == without_scope(expected.to_dict())


def test_the_inferencer_takes_a_config_by_its_name(tmp_path, monkeypatch):
    from mmsgg.apis import SGGInferencer

    monkeypatch.chdir(tmp_path)
    inferencer = SGGInferencer('toy/predcls', device='cpu')
    assert inferencer.model.task == 'predcls'
