"""Initial weights that are there, and such that are not."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsgg.engine import fetch_initial_weights
from mmsgg.registry import MODELS

from ..test_configs import CONFIGS
from ..test_tools.test_train_and_test import train

NOBODY = 'http://localhost:9/vgg16-00000000.pth'  # refuses connections


def model_with(checkpoint):
    """The part of a config that matters: two modules, one checkpoint."""
    init_cfg = dict(type='Pretrained', checkpoint=checkpoint)
    heads = [dict(type='A'), dict(type='B', init_cfg=[init_cfg])]
    return Config(
        dict(model=dict(backbone=dict(init_cfg=init_cfg), heads=heads))
    )


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    return folder


def message_of(checkpoint):
    with pytest.raises(SystemExit) as stop:
        fetch_initial_weights(model_with(checkpoint))
    return str(stop.value)


def test_an_address_out_of_reach(cache):
    message = message_of(NOBODY)
    assert f'initial weights {NOBODY} could not be had (URLError' in message
    assert f'put it at {cache}/vgg16-00000000.pth' in message
    places = ('model.backbone.init_cfg', 'model.heads.1.init_cfg.0')
    files = ' '.join(f'{place}.checkpoint=FILE.pth' for place in places)
    assert f'--cfg-options {files}' in message
    assert f'--cfg-options {places[0]}=None {places[1]}=None' in message


def test_an_address_to_load_from(cache):
    cfg = Config(dict(model=dict(), load_from=NOBODY))
    with pytest.raises(SystemExit) as stop:
        fetch_initial_weights(cfg)
    assert f'put it at {cache}/vgg16-00000000.pth' in str(stop.value)
    assert '--cfg-options load_from=FILE.pth\n' in str(stop.value)
    assert str(stop.value).endswith('--cfg-options load_from=None')
    torch.save(dict(weight=torch.zeros(1)), cache / Path(NOBODY).name)
    fetch_initial_weights(cfg)


def test_a_stage_that_was_not_trained(tmp_path):
    cfg = Config(dict(model=dict(), load_from=str(tmp_path / 'epoch_9.pth')))
    with pytest.raises(SystemExit, match=r"epoch_9\.pth'.* train the stage"):
        fetch_initial_weights(cfg)
    (tmp_path / 'epoch_9.pth').touch()
    fetch_initial_weights(cfg)


def test_the_cache_mends_it(cache):
    torch.save(dict(weight=torch.zeros(1)), cache / Path(NOBODY).name)
    fetch_initial_weights(model_with(NOBODY))


def test_a_file_that_is_not_there(tmp_path):
    message = message_of(str(tmp_path / 'gone.pth'))
    assert 'gone.pth could not be had (FileNotFoundError' in message
    assert 'put it at' not in message


@pytest.mark.skipif(
    importlib.util.find_spec('torchvision') is not None,
    reason='with torchvision the address is known and asked',
)
def test_torchvision_is_not_installed():
    message = message_of('torchvision://vgg16')
    assert "(ModuleNotFoundError: No module named 'torchvision')" in message


def test_a_name_of_mmengine_gives_its_address(monkeypatch, cache):
    monkeypatch.setattr(
        'mmsgg.engine.initial_weights.get_external_models',
        lambda: {'here': NOBODY},
    )
    monkeypatch.setattr(
        'mmengine.runner.checkpoint.get_external_models',
        lambda: {'here': NOBODY},
    )
    message = message_of('open-mmlab://here')
    assert 'initial weights open-mmlab://here could not' in message
    assert f'get {NOBODY} elsewhere' in message


@pytest.mark.parametrize('path', ['toy/sgdet.py', 'toy/faster-rcnn_r18.py'])
def test_a_model_without_any_needs_none(path):
    fetch_initial_weights(Config.fromfile(CONFIGS / path))


def test_the_options_of_the_message_are_understood(tmp_path):
    """Named files are loaded; with None the model starts at random."""
    file = tmp_path / 'res5.pth'
    cfg = Config.fromfile(CONFIGS / 'detection/faster-rcnn_r50-c4_vg150.py')
    options = {
        'model.backbone.init_cfg': None,
        'model.roi_head.shared_head.init_cfg.checkpoint': str(file),
    }
    cfg.merge_from_dict(options)
    MODELS.build(dict(cfg.model.backbone, _scope_='mmdet')).init_weights()
    res5 = dict(cfg.model.roi_head.shared_head, _scope_='mmdet')
    weights = MODELS.build(res5).state_dict()
    torch.save({k: torch.full_like(v, 2) for k, v in weights.items()}, file)
    fetch_initial_weights(cfg)
    loaded = MODELS.build(res5)
    loaded.init_weights()
    assert all((value == 2).all() for value in loaded.state_dict().values())


class FakeRunner:
    """Stands in for mmengine's; it must not come to training."""

    @classmethod
    def from_cfg(cls, cfg):
        return cls()

    def train(self):
        raise AssertionError('trained without its initial weights')


def test_the_command_ends_with_the_message(monkeypatch, tmp_path):
    monkeypatch.setattr('mmengine.runner.Runner', FakeRunner)
    argv = [
        'train.py',
        str(CONFIGS / 'toy/faster-rcnn_r18.py'),
        f'--work-dir={tmp_path}',
        '--cfg-options',
        'model.backbone.init_cfg.type=Pretrained',
        f'model.backbone.init_cfg.checkpoint={NOBODY}',
    ]
    monkeypatch.setattr(sys, 'argv', argv)
    with pytest.raises(SystemExit, match=r'model\.backbone\.init_cfg=None'):
        train.main()
