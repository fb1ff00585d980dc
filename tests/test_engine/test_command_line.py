"""The arguments that train.py and test.py share."""

import os
import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import pytest

from mmsgg.engine import (
    add_shared_arguments,
    checkpoint_file,
    config_file,
    config_from_args,
)
from mmsgg.engine.command_line import default_work_dir

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    path = tmp_path / 'sgdet.py'
    path.write_text("model = dict(type='A', depth=50)\n")
    return str(path)


def read(config: str, *argv: str):
    parser = ArgumentParser()
    parser.add_argument('config', type=config_file)
    add_shared_arguments(parser)
    return config_from_args(parser.parse_args([config, *argv]))


def test_defaults(config):
    cfg = read(config)
    assert cfg.launcher == 'none'
    # of two methods whose configs have one name, each has its own folder
    assert cfg.work_dir == f'work_dirs/{Path(config).parent.name}/sgdet'
    assert cfg.model == dict(type='A', depth=50)
    assert 'model_wrapper_cfg' not in cfg


def test_cfg_options_override_the_file(config):
    cfg = read(config, '--cfg-options', 'model.depth=18', 'topk=[1,2]')
    assert cfg.model == dict(type='A', depth=18)
    assert cfg.topk == [1, 2]


def test_spaces_of_a_path_stay(config):
    words = 'data=data/my own set', "name='a b'", 'topk=[1, 2]', 'on=true'
    cfg = read(config, '--cfg-options', *words)
    assert (cfg.data, cfg.name) == ('data/my own set', 'a b')
    assert (cfg.topk, cfg.on) == ([1, 2], True)


def test_an_option_without_a_value_is_named(config, capsys):
    with pytest.raises(SystemExit, match='2'):
        read(config, '--cfg-options', 'topk=1', 'data')
    assert "--cfg-options: 'data' is no KEY=VALUE" in capsys.readouterr().err


def test_work_dir_of_the_command_line_wins(config):
    with open(config, 'a') as file:
        file.write("work_dir = 'from_config'\n")
    assert read(config).work_dir == 'from_config'
    assert read(config, '--work-dir', 'typed').work_dir == 'typed'


@pytest.mark.parametrize('flag', ['--local_rank=3', '--local-rank=3'])
def test_local_rank_reaches_the_environment(config, monkeypatch, flag):
    read(config, flag)
    assert os.environ['LOCAL_RANK'] == '3'
    monkeypatch.setenv('LOCAL_RANK', '1')
    read(config, flag)
    assert os.environ['LOCAL_RANK'] == '1'


@pytest.mark.parametrize(
    ('check', 'kind'),
    [(config_file, 'config'), (checkpoint_file, 'checkpoint')],
)
def test_missing_file_is_named_with_its_neighbours(config, check, kind):
    folder = Path(config).parent
    wrong = str(folder / 'sgdt.py')
    with pytest.raises(ArgumentTypeError) as error:
        check(wrong)
    assert str(error.value) == (
        f"there is no {kind} '{wrong}'; near it: {config}"
    )


def test_missing_file_without_neighbours(tmp_path):
    with pytest.raises(ArgumentTypeError, match=r"there is no config '.*x'$"):
        config_file(str(tmp_path / 'x'))
    with pytest.raises(ArgumentTypeError, match='nor its folder'):
        config_file(str(tmp_path / 'no' / 'sgdet.py'))


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(ArgumentTypeError, match='there is no config'):
        config_file(str(tmp_path))


def test_checkpoint_may_be_a_url():
    url = 'https://host.example/a.pth'
    assert checkpoint_file(url) == url


@pytest.mark.parametrize(
    ('path', 'work_dir'),
    [
        ('configs/linknet/sgdet.py', 'linknet/sgdet'),
        ('./configs/motifs/sgdet.py', 'motifs/sgdet'),
        ('/x/mmsgg/configs/linknet/compat/sgdet.py', 'linknet/compat/sgdet'),
        ('configs/mine.py', 'mine'),
        ('mine.py', 'mine'),
        ('/home/me/mine/sgdet.py', 'mine/sgdet'),
        ('/configs/configs/a.b.py', 'a.b'),
    ],
)
def test_work_dirs_keep_the_folder(path, work_dir):
    assert default_work_dir(path).as_posix() == f'work_dirs/{work_dir}'


@pytest.mark.parametrize(
    'name', ['SceneGraphRCNN', 'mmsgg.SceneGraphFromBoxes']
)
def test_a_config_of_the_first_version_is_explained(config, name):
    Path(config).write_text(f"model = dict(type='{name}', backbone=dict())")
    with pytest.raises(
        SystemExit,
        match=rf"sgdet\.py: .*earlier version .*'{name}'.*CHANGELOG",
    ):
        read(config)


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_help_waits_for_no_package(tool):
    code = (
        'import runpy, sys\n'
        f"sys.argv = ['{tool}.py', '--help']\n"
        'try:\n'
        f"    runpy.run_path('tools/{tool}.py', run_name='__main__')\n"
        'except SystemExit:\n'
        "    print({'torch', 'mmengine', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT
    )
    assert '--launcher' in done.stdout
    assert done.stdout.endswith('set()\n'), done.stderr
