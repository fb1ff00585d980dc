"""The printed commands of training, and the rates that they give."""

import re
import shlex
from pathlib import Path

import pytest
from mmengine.config import Config

from ..test_tools.test_train_and_test import train
from .tiny_runner import tiny_runner

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
PAGES += [ROOT / 'tools' / name for name in ('train.py', 'dist_train.sh')]


def printed_commands():
    """What follows dist_train.sh, where LinkNet or its detector is trained."""
    commands = []
    for page in PAGES:
        text = page.read_text().replace('\\\n', ' ')
        full_size = r'dist_train\.sh (configs/(?:linknet|detection)/.*)'
        for line in re.findall(full_size, text):
            commands.append(pytest.param(line, id=f'{page.name}: {line[:40]}'))
    return commands


@pytest.fixture
def scaled(tmp_path, monkeypatch):
    """Build a runner as the command does, with its number of processes."""

    def build(command, scores=None):
        config, processes, *options = shlex.split(command)
        monkeypatch.chdir(ROOT)
        args = train.parse_args([config, *options])
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(args.cfg_options)
        train.apply_training_options(cfg, args)
        runner = tiny_runner(cfg, tmp_path, 9 if scores else 1, scores=scores)
        runner._world_size = int(processes)
        return cfg, runner

    return build


def test_there_are_commands():
    assert len(printed_commands()) >= 5


@pytest.mark.parametrize('command', printed_commands())
def test_the_rate_is_the_published_one_an_image(command, scaled):
    """1e-3 an image, 1e-4 in refining; a tenth of that in fc6 and fc7."""
    cfg, runner = scaled(command)
    runner.train()
    images = runner._world_size * cfg.train_dataloader.batch_size
    rate = (1e-4 if 'sgdet' in command else 1e-3) * images
    # weights of the same rate are one group
    rates = [rate / 10, rate]
    if 'relation_head' not in cfg.model:
        rates = [rate]
    assert runner.rate_log.rates == [pytest.approx(rates)]


@pytest.mark.parametrize('processes', [1, 3, 200])
def test_training_ends_at_the_first_decay_at_any_scale(processes, scaled):
    command = f'configs/linknet/sgcls.py {processes} --auto-scale-lr'
    _, runner = scaled(command, scores=[0.5] * 9)
    runner.train()
    rate = 6e-3 * processes
    assert [rates[-1] for rates in runner.rate_log.rates] == pytest.approx(
        [rate] * 5
    )
