"""The optimizer steps in its fused form on a CPU, few groups at a time."""

import copy

import pytest
import torch
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from mmsgg.engine.optimizers import TrainedOnlyConstructor
from mmsgg.engine.optimizers.trained_only_constructor import _can_fuse_on_cpu

SGD = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-3)
ADAMW = dict(type='AdamW', lr=0.1, weight_decay=1e-3)
TORCH_FUSES = _can_fuse_on_cpu(torch.optim.SGD([torch.zeros(1)], lr=1))


def wrapper_of(model, optimizer):
    cfg = dict(type='OptimWrapper', optimizer=optimizer)
    return TrainedOnlyConstructor(copy.deepcopy(cfg))(model)


def model_of_seed():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))


def train(model, optimizer, steps=3):
    for step in range(steps):
        inputs = torch.full((2, 5), step + 1.0)
        loss = model(inputs).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [*model.parameters()]


@pytest.mark.parametrize('optimizer', [SGD, ADAMW])
def test_it_takes_the_steps_of_the_plain_form(optimizer):
    model, plain_model = model_of_seed(), model_of_seed()
    fused = wrapper_of(model, optimizer).optimizer
    forms = {group.get('fused') for group in fused.param_groups}
    assert forms == {TORCH_FUSES or None}
    kind = getattr(torch.optim, optimizer['type'])
    settings = {k: v for k, v in optimizer.items() if k != 'type'}
    plain = kind(plain_model.parameters(), **settings)
    weights, expected = train(model, fused), train(plain_model, plain)
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-6)


def test_parameters_of_the_same_options_share_a_group():
    options = dict(
        bias_decay_mult=0.0,
        custom_keys={'0.weight': dict(lr_mult=0.5, decay_mult=2.0)},
    )
    cfg = dict(type='OptimWrapper', optimizer=SGD)
    models = model_of_seed(), model_of_seed()
    single, shared = (
        constructor(copy.deepcopy(cfg), copy.deepcopy(options))(model)
        for constructor, model in zip(
            (DefaultOptimWrapperConstructor, TrainedOnlyConstructor),
            models,
            strict=True,
        )
    )
    groups = shared.optimizer.param_groups
    assert [len(g['params']) for g in single.optimizer.param_groups] == [1] * 4
    assert [len(g['params']) for g in groups] == [1, 2, 1]
    lrs = [(g['lr'], g['weight_decay']) for g in groups]
    assert lrs == [(0.05, 2e-3), (0.1, 0), (0.1, 1e-3)]
    expected, weights = (
        train(model, wrapper.optimizer)
        for model, wrapper in zip(models, (single, shared), strict=True)
    )
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('written', [True, False, None])
def test_a_checkpoint_does_not_choose_the_form(written):
    """It may be of a GPU, of another torch, or of an earlier version."""
    optimizer = wrapper_of(model_of_seed(), ADAMW).optimizer
    train(model_of_seed(), optimizer)
    state = optimizer.state_dict()
    for group in state['param_groups']:
        group['fused'] = written
    optimizer.load_state_dict(state)
    forms = {group['fused'] for group in optimizer.param_groups}
    assert forms == {TORCH_FUSES or None}


@pytest.mark.parametrize('chosen', [dict(fused=False), dict(foreach=True)])
def test_what_the_config_says_counts(chosen):
    optimizer = wrapper_of(model_of_seed(), ADAMW | chosen).optimizer
    assert not any(group['fused'] for group in optimizer.param_groups)


def test_an_optimizer_without_a_fused_form_is_left_alone():
    cfg = dict(type='RMSprop', lr=0.1)
    optimizer = wrapper_of(model_of_seed(), cfg).optimizer
    assert 'fused' not in optimizer.param_groups[0]
