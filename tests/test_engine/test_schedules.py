"""The learning rates of every config, for runs of any length."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmsgg.registry import MODELS

from ..test_models.samples import drawing_cfg, motifs_cfg
from .tiny_runner import tiny_runner

CONFIGS = Path(__file__).parents[2] / 'configs'


def distinct_schedules():
    """One config for each distinct schedule of them all."""
    schedules = {}
    for path in sorted(CONFIGS.glob('*/**/*.py')):
        if path.relative_to(CONFIGS).parts[0] == '_base_':
            continue
        cfg = Config.fromfile(path)
        if 'param_scheduler' in cfg:
            key = json.dumps(cfg.param_scheduler)
            schedules.setdefault(key, (path, cfg))
    return [
        pytest.param(cfg, id=str(path.relative_to(CONFIGS).with_suffix('')))
        for path, cfg in schedules.values()
    ]


SCHEDULES = distinct_schedules()


def rates_of(cfg, work_dir, max_epochs, num_iters):
    """The rates of a run, (iterations, groups) by that of the config."""
    runner = tiny_runner(cfg, work_dir, max_epochs, num_iters)
    runner.train()
    rates = np.array(runner.rate_log.rates)
    assert len(rates) == max_epochs * num_iters
    return rates / cfg.optim_wrapper.optimizer.lr


@pytest.mark.parametrize('num_iters', [1, 7, 60])
@pytest.mark.parametrize('max_epochs', [1, 2, 10])
@pytest.mark.parametrize('cfg', SCHEDULES)
def test_rates_follow_the_length_of_a_run(
    cfg, max_epochs, num_iters, tmp_path
):
    rates = rates_of(cfg, tmp_path, max_epochs, num_iters)[:, -1]
    assert rates[-1] > 0
    peak = int(rates.argmax())
    assert peak <= len(rates) / 4
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()
    cosine = 'CosineAnnealingLR' in [s.type for s in cfg.param_scheduler]
    if not cosine:
        assert rates[-1] == pytest.approx(1)
    elif len(rates) >= 40:
        assert rates[peak] > 0.8
        assert rates[-1] < 0.01


def test_a_longer_warm_up_is_cut_and_a_shorter_one_is_not(tmp_path):
    cfg = Config.fromfile(CONFIGS / 'toy' / 'predcls.py')
    cfg.param_scheduler = cfg.param_scheduler[:1]  # the warm-up of 50
    for max_epochs, num_iters, length in ((3, 112, 50), (1, 80, 20)):
        rates = rates_of(cfg, tmp_path, max_epochs, num_iters)[:, -1]
        expected = np.ones(len(rates))
        expected[:length] = np.linspace(0.01, 1, length)
        np.testing.assert_allclose(rates, expected)


def test_a_warm_up_by_epoch_is_refused(tmp_path):
    cfg = Config.fromfile(CONFIGS / 'toy' / 'predcls.py')
    del cfg.param_scheduler[0]['by_epoch']
    with pytest.raises(ValueError, match='set by_epoch=False'):
        rates_of(cfg, tmp_path, 1, 1)


def test_scene_graph_benchmark_decays_nothing_that_is_called_bias():
    """Those of an LSTM, of norms, and the frequency bias among them."""
    cfg = Config.fromfile(CONFIGS / '_base_' / 'schedules' / 'relation_sgb.py')
    head = MODELS.build(motifs_cfg(features=drawing_cfg()))
    model = nn.ModuleDict(dict(relation_head=head))
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    decays = {
        id(parameter): group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
    }
    for name, parameter in model.named_parameters():
        expected = 0 if 'bias' in name else 1e-4
        assert decays[id(parameter)] == expected, name
