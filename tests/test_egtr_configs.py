"""The configs of EGTR: recipe, a step in each precision, and a graph."""

from contextlib import nullcontext

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmsgg.registry import MODELS

from .test_configs import CONFIGS, batch, merged, name_of

PATHS = sorted((CONFIGS / 'egtr').glob('*.py'))
QUERIES = 12
NARROW = {
    'backbone.depth': 18,
    'backbone.base_channels': 8,
    'backbone.init_cfg': None,
    'encoder.num_layers': 1,
    'decoder.num_layers': 2,
    'num_queries': QUERIES,
}


def build(path):
    """As the config has it, with less of all and a narrow backbone."""
    cfg = Config.fromfile(path)
    widths = [16, 32, 64][-len(cfg.model.detector.neck.in_channels) :]
    cfg.model.detector = merged(
        cfg.model.detector, NARROW | {'neck.in_channels': widths}
    )
    cfg.model.relation_head.num_layers = 2
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with DefaultScope.overwrite_default_scope('mmsgg'):
        model.init_weights()
    return cfg, model


def losses_of(model, data):
    data = model.train().data_preprocessor(data, True)
    return model.parse_losses(model(**data, mode='loss'))


@pytest.mark.parametrize('path', PATHS, ids=name_of)
def test_config_trains_and_predicts(path):
    cfg, model = build(path)
    frozen = 'frozen' in path.stem
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    data = batch(False)
    for sample in data['data_samples']:
        sample.gt_relations.labels %= model.relation_head.num_predicates
    loss, log = losses_of(model, data)
    loss.backward()
    assert loss.isfinite()
    assert ('detector.loss_cls' in log) != frozen
    for name, parameter in model.named_parameters():
        # every process of several has a gradient of each
        if parameter.requires_grad:
            assert parameter.grad is not None, name
    wrapper.optimizer.step()
    model.eval()
    for sample in model.test_step(batch(False)):
        assert len(sample.pred_instances) == QUERIES
        assert len(sample.pred_relations) == QUERIES * (QUERIES - 1)
        scores = sample.pred_relations.predicate_scores
        assert scores.shape[1] == cfg.model.relation_head.num_predicates


@pytest.mark.parametrize('kind', ['sgdet', 'sgdet_frozen'])
def test_mixed_precision(kind):
    _, model = build(CONFIGS / 'egtr' / f'{kind}.py')
    plain = torch.bfloat16
    results = []
    for context in (nullcontext(), torch.autocast('cpu', plain)):
        with context:
            loss, _ = losses_of(model, batch(False))
        assert loss.dtype == torch.float32 and loss.isfinite()
        loss.backward()
        results.append(loss)
    with torch.autocast('cpu', plain), torch.no_grad():
        model.eval()
        found = model.test_step(batch(False))[0].pred_relations
    assert found.scores.dtype == torch.float32
    assert results[1].item() == pytest.approx(results[0].item(), rel=0.1)


def test_without_relations_every_weight_has_a_gradient():
    """Also where an image has no object; means are of nothing, but finite."""
    _, model = build(CONFIGS / 'egtr' / 'sgdet.py')
    data = batch(False)
    for sample in data['data_samples']:
        sample.gt_relations = sample.gt_relations[:0]
    data['data_samples'][1].gt_instances = sample.gt_instances[:0]
    loss, log = losses_of(model, data)
    loss.backward()
    assert loss.isfinite() and log['loss_predicate'] == 0
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
    model.zero_grad()
    for sample in data['data_samples']:
        sample.gt_instances = sample.gt_instances[:0]
    loss, _ = losses_of(model, data)
    assert loss.isfinite()


def test_the_published_recipe():
    cfg, model = build(CONFIGS / 'egtr' / 'sgdet.py')
    settings = cfg.optim_wrapper
    optimizer = settings.optimizer
    assert (optimizer.type, optimizer.weight_decay) == ('AdamW', 1e-4)
    assert settings.clip_grad.max_norm == 0.1
    batch_size = cfg.train_dataloader.batch_size
    assert batch_size * 8 == cfg.auto_scale_lr.base_batch_size
    assert batch_size * 8 * settings.accumulative_counts == 64
    [plateau] = cfg.param_scheduler
    assert (plateau.factor, plateau.patience) == (0.1, 15)
    wrapper = build_optim_wrapper(model, settings)
    rates = {
        id(p): group['lr']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    slow = 'detector.backbone', 'reference_points', 'sampling_offsets'
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = 2e-6 if name.startswith('detector.') else 2e-4
        if any(part in name for part in slow):
            rate = 2e-7
        assert rates[id(parameter)] == pytest.approx(rate), name


def test_the_tables_stay_as_they_were_counted():
    _, model = build(CONFIGS / 'egtr' / 'sgdet.py')
    tables = model.relation_head.frequency_bias
    assert not any(p.requires_grad for p in tables.parameters())
