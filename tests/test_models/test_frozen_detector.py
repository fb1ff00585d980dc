"""With ``freeze_detector`` nothing of a detector is trained."""

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmsgg.engine.optimizers import TrainedOnlyConstructor
from mmsgg.registry import MODELS

from ..test_configs import CONFIGS, batch, small_model

NAMES = ['sgdet_r101_fpn', 'sgdet_r50-c4']


def build(name, **kwargs):
    """A model whose detector would change if it were let: BN and all."""
    cfg = small_model(CONFIGS / f'linknet/{name}.py')
    if 'r101' in name:
        cfg.detector.backbone.depth = 50
    cfg.detector.backbone.update(
        frozen_stages=-1, norm_eval=False, norm_cfg=dict(type='BN')
    )
    cfg.update(kwargs)
    torch.manual_seed(0)
    return MODELS.build(cfg)


def optimizer_of(model, cfg, work_dir):
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        default_scope='mmsgg',
        experiment_name=work_dir.name,
    )
    return runner.build_optim_wrapper(cfg)


def trained_names(optimizer, model):
    ids = {id(p) for group in optimizer.param_groups for p in group['params']}
    return {n for n, p in model.named_parameters() if id(p) in ids}


@pytest.mark.parametrize('name', NAMES)
def test_a_step_leaves_the_detector_alone(name, tmp_path, monkeypatch):
    model = build(name).train()
    seen = []
    loss_of_head = model.relation_head.loss
    monkeypatch.setattr(
        model.relation_head,
        'loss',
        lambda x, *args: seen.append(x) or loss_of_head(x, *args),
    )
    cfg = Config.fromfile(CONFIGS / f'linknet/{name}.py').optim_wrapper
    optim_wrapper = optimizer_of(model, cfg, tmp_path)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train_step(batch(False), optim_wrapper)
    changed = {
        key
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert changed and all(key.startswith('relation_head.') for key in changed)
    [x] = seen
    assert not any(level.requires_grad or level.grad_fn for level in x)
    inside = trained_names(optim_wrapper.optimizer, model)
    assert inside == {
        key
        for key, parameter in model.named_parameters()
        if key.startswith('relation_head.') and parameter.requires_grad
    }


def test_a_thawed_one_changes(tmp_path):
    model = build('sgcls_r101_fpn', freeze_detector=False).train()
    cfg = Config.fromfile(CONFIGS / 'linknet/sgcls.py').optim_wrapper
    optim_wrapper = optimizer_of(model, cfg, tmp_path)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train_step(batch(False), optim_wrapper)
    after = model.state_dict()
    for key in (
        'detector.backbone.bn1.running_mean',
        'detector.backbone.conv1.weight',
    ):
        assert not torch.equal(after[key], before[key])


@pytest.mark.parametrize(
    'paramwise', [None, dict(custom_keys={'1.0': dict(lr_mult=0.1)})]
)
def test_frozen_modules_are_passed_over_in_silence(paramwise, monkeypatch):
    warnings = []
    monkeypatch.setattr(
        'mmengine.optim.optimizer.default_constructor.print_log',
        lambda text, **kwargs: warnings.append(text),
    )
    layers = [torch.nn.Linear(2, 2) for _ in range(3)]
    model = torch.nn.Sequential(layers[0], torch.nn.Sequential(*layers[1:]))
    layers[0].requires_grad_(False)
    layers[2].bias.requires_grad_(False)
    wrapper = TrainedOnlyConstructor(
        dict(optimizer=dict(type='SGD', lr=1.0)), paramwise
    )(model)
    assert trained_names(wrapper.optimizer, model) == {
        '1.0.weight',
        '1.0.bias',
        '1.1.weight',
    }
    rates = [group['lr'] for group in wrapper.optimizer.param_groups]
    assert rates == ([0.1, 1.0] if paramwise else [1.0])
    assert not any('0.weight is skipped' in text for text in warnings)
    assert sum('1.1.bias is skipped' in text for text in warnings) == 1
