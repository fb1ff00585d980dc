"""Switches of speed reach the model, and leave what it says as it was."""

from types import SimpleNamespace

import pytest
import torch
from mmcv.ops import DeformConv2dPack
from mmengine.config import Config
from torch import nn

from mmsgg.engine.hooks import SpeedHook
from mmsgg.registry import HOOKS

from ...folders import ROOT
from ...scripts import load_tool

costs = load_tool('analysis_tools/model_costs')


@pytest.fixture(scope='module')
def bench():
    cfg = Config.fromfile(ROOT / 'configs' / 'toy' / 'sgdet.py')
    cfg.default_hooks.speed = dict(type='SpeedHook')
    return costs.ModelBenchmark(cfg, torch.device('cpu'), 5, shape=(96, 128))


@pytest.fixture
def precision():
    """The precision of products, as it is and as it was after the test."""
    before = torch.get_float32_matmul_precision()
    yield torch.get_float32_matmul_precision
    torch.set_float32_matmul_precision(before)


def hook_of(**switches):
    """The hook as a config names it."""
    return HOOKS.build(dict(type='SpeedHook', **switches))


def test_nothing_is_switched_by_default(bench, precision):
    cfg = Config.fromfile(ROOT / 'configs' / '_base_' / 'default_runtime.py')
    HOOKS.build(cfg.default_hooks.speed).before_run(bench)  # has a model
    assert precision() == 'highest'
    stem = bench.model.detector.backbone.conv1
    assert stem.weight.is_contiguous()


def test_precision_of_products(bench, precision):
    hook_of(matmul_precision='high').before_run(bench)
    assert precision() == 'high'
    with pytest.raises(ValueError, match="'higher', and not 'highest'"):
        hook_of(matmul_precision='higher')


def test_channels_last_and_compiled_say_the_same(bench, monkeypatch):
    predict = bench.inference()
    backbone = bench.model.detector.backbone
    names, [before] = [*bench.model.state_dict()], predict()
    compiled = []

    def watch(call, **options):
        compiled.append(call)
        return call

    monkeypatch.setattr(torch, 'compile', watch)
    hook = hook_of(channels_last=True, compile=['detector.backbone'])
    hook.before_run(SimpleNamespace(model=bench.model))
    assert len(compiled) == 1 and [*bench.model.state_dict()] == names
    inner, outer = [], []
    backbone.layer2.register_forward_hook(lambda *a: inner.append(a[2]))
    backbone.register_forward_hook(lambda *a: outer.extend(a[2]))
    [after] = predict()
    last = dict(memory_format=torch.channels_last)
    weight = backbone.layer2[0].conv1.weight
    assert weight.is_contiguous(**last) and not weight.is_contiguous()
    assert inner[0].is_contiguous(**last) and not inner[0].is_contiguous()
    # RoIAlign would read them in the wrong order without a word
    assert outer and all(level.is_contiguous() for level in outer)
    for part in ('pred_instances', 'pred_relations'):
        one, two = before.get(part), after.get(part)
        assert len(one) == len(two) > 4
        torch.testing.assert_close(one.scores, two.scores)


def test_ops_that_read_memory_as_it_lies_are_refused():
    deform = nn.Sequential(DeformConv2dPack(3, 3, 1))
    for detector, reason in (
        (nn.ModuleDict(), 'has no backbone'),
        (nn.ModuleDict(dict(backbone=deform)), 'DeformConv2dPack'),
    ):
        with pytest.raises(ValueError, match=f'channels_last: .*{reason}'):
            SpeedHook(channels_last=True).apply(detector)
