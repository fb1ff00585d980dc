"""The config in a checkpoint is data, and builds only what is registered."""

import math
import os

import pytest
import torch
from mmengine.config import Config

from mmsgg.apis import SGGInferencer
from mmsgg.engine import embedded_config, read_config_text

from ..folders import ROOT

CONFIGS = (
    'linknet/sgdet.py',
    'linknet/sgdet_r101_fpn_proposals.py',
    'linknet/sgdet_dino-4scale_r50.py',
    'vrd/linknet_boxes.py',
    'toy/sgdet_tensorboard.py',
)


@pytest.fixture
def mark(tmp_path):
    return tmp_path / 'it-ran'


@pytest.mark.parametrize('name', CONFIGS)
def test_our_configs_are_data(name):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    read = embedded_config(dict(meta=dict(cfg=cfg.pretty_text)))
    assert read.to_dict() == cfg.to_dict()


def test_what_mmengine_writes_is_read():
    cfg = Config(
        {
            'a': {'b.c': [1, -2.5, (None, True)], 'd': "it's\n"},
            'e': [math.inf, -math.inf],
            'f': {},
            'g': (),
        }
    )
    assert read_config_text(cfg.pretty_text) == cfg.to_dict()


def checkpoint_with(text, tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(dict(meta=dict(cfg=text), state_dict={}), path)
    return path


@pytest.mark.parametrize(
    ('text', 'words'),
    (
        ("import os\nos.system('touch {mark}')", 'line 1: import os'),
        ("model = open('{mark}', 'w')", r'line 1: open\('),
        ("a = [(lambda: open('{mark}', 'w'))()]", 'line 1: '),
        ("a = dict(**{{'b': open('{mark}', 'w')}})", 'line 1: '),
        ('a = f\'{{open("{mark}", "w")}}\'', 'line 1: '),
        ("_base_ = ['/evil.py'] + [open('{mark}', 'w')]", 'line 1: '),
        ('a = [' * 3000, 'more than data'),
        # what mmengine's registries would import and call
        (
            "model = dict(type='os.system', command='touch {mark}')",
            'os.system',
        ),
        (
            "model = dict(type='subprocess.Popen', args=['touch', '{mark}'])",
            'P',
        ),
        ("model = dict(type='mmengine.load', file='{mark}')", 'mmengine.load'),
        ("model = dict(type='antigravity')", 'is not registered'),
        ("model = dict(type='mmdet.ResNet', _scope_='os')", '_scope_'),
        # what evaluates a string of its config
        ('nms = dict(type=\'open("{mark}", "w")\')', 'is not registered'),
        (
            "model = dict(type='mmdet.CameraMotionCompensation', "
            'warp_mode=\'open("{mark}", "w")\')',
            'CameraMotionCompensation',
        ),
    ),
)
def test_a_config_with_code(tmp_path, mark, text, words):
    path = checkpoint_with(text.format(mark=mark), tmp_path)
    with pytest.raises(ValueError, match=words) as refused:
        SGGInferencer(weights=path, device='cpu')
    message = str(refused.value)
    assert 'name a config of your own' in message and '--trust' in message
    assert '\n' not in message
    assert not mark.exists()


def test_a_trusted_config_runs(tmp_path, mark):
    text = f'a = open({str(mark)!r}, "w").name\nmodel = dict(type="any")'
    path = checkpoint_with(text, tmp_path)
    with pytest.raises(KeyError, match='any'):
        SGGInferencer(weights=path, device='cpu', trust=True)
    assert mark.exists()


def test_custom_imports_are_not_followed(tmp_path, monkeypatch, mark):
    (tmp_path / 'evil.py').write_text(f'open({str(mark)!r}, "w")')
    monkeypatch.syspath_prepend(tmp_path)
    text = (
        "custom_imports = dict(imports=['evil'])\n"
        "model = dict(type='evil.Model')"
    )
    with pytest.raises(ValueError, match=r'evil\.Model'):
        SGGInferencer(weights=checkpoint_with(text, tmp_path), device='cpu')
    assert not mark.exists()


def test_a_checkpoint_without_a_config(tmp_path):
    torch.save(dict(state_dict={}), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='holds no config: name one'):
        SGGInferencer(weights=tmp_path / 'a.pth', device='cpu')
    assert os.listdir(tmp_path) == ['a.pth']
