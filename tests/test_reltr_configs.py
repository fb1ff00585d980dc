"""The configs of RelTR: sizes of images, recipe, a step and a graph."""

import random

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmsgg.registry import MODELS

from .test_configs import CONFIGS, batch

CONFIG = Config.fromfile(CONFIGS / 'reltr' / 'sgdet.py')


@pytest.fixture(scope='module')
def model():
    """As the config has it, with less of all and a narrow backbone."""
    cfg = CONFIG.model.copy()
    cfg.detector.backbone.update(depth=18, base_channels=8, init_cfg=None)
    cfg.detector.neck.in_channels = [64]
    cfg.detector.encoder.num_layers = 1
    cfg.detector.decoder.num_layers = 2
    cfg.relation_head.decoder.update(num_layers=2, num_triplets=20)
    torch.manual_seed(0)
    return MODELS.build(cfg)


def test_a_step_and_a_graph(model):
    wrapper = build_optim_wrapper(model, CONFIG.optim_wrapper)
    rates = {
        id(p): group['lr']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            slow = name.startswith('detector.backbone.')
            rate = 1e-5 if slow else 1e-4
            assert rates[id(parameter)] == pytest.approx(rate), name
    model.train()
    before = model.relation_head.subject_reg[-1].weight.clone()
    with DefaultScope.overwrite_default_scope('mmsgg'):
        log = model.train_step(batch(with_proposals=False), wrapper)
    assert log['loss'].isfinite()
    assert not torch.equal(before, model.relation_head.subject_reg[-1].weight)
    model.eval()
    for sample in model.test_step(batch(with_proposals=False)):
        assert len(sample.pred_instances) == 40
        assert sample.pred_instances.labels.max() < 150
        scores = sample.pred_relations.predicate_scores
        assert scores.shape == (20, 50)
        torch.testing.assert_close(scores.sum(dim=1), torch.ones(20))


def test_the_published_recipe():
    optimizer = CONFIG.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.weight_decay) == ('AdamW', 1e-4)
    assert CONFIG.optim_wrapper.clip_grad.max_norm == 0.1
    assert CONFIG.train_cfg.max_epochs == 150
    [step] = CONFIG.param_scheduler
    assert (step.milestones, step.gamma) == ([100], 0.1)
    loader = CONFIG.train_dataloader
    assert loader.batch_size * 8 == CONFIG.auto_scale_lr.base_batch_size
    # a set of relations: several predicates of a pair, none of them twice
    assert not loader.dataset.filter_duplicate_relations
    assert loader.dataset.pipeline[1].merge_duplicates


def resized(pipeline, height, width):
    """What the resizing steps of a pipeline make of an image of a size."""
    steps = [
        step
        for step in pipeline
        if step.type.endswith(('Resize', 'RandomChoice'))
    ]
    image = np.zeros((height, width, 3), np.uint8)
    with DefaultScope.overwrite_default_scope('mmsgg'):
        results = Compose(steps)(
            dict(img=image, img_shape=image.shape[:2], height=height)
        )
    assert results['img'].shape[:2] == results['img_shape'][:2]
    return results['img_shape'][:2]


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((600, 800), (800, 1066)),  # truncated
        ((500, 375), (1066, 800)),
        ((400, 900), (592, 1332)),  # of a long side of at most 1333
        ((800, 1000), (800, 1000)),
    ],
)
def test_sizes_of_a_test(size, expected):
    pipeline = CONFIG.test_dataloader.dataset.pipeline
    assert resized(pipeline, *size) == expected


def test_sizes_of_training():
    random.seed(0)
    np.random.seed(0)
    pipeline = CONFIG.train_dataloader.dataset.pipeline
    sizes = [resized(pipeline, 600, 800) for _ in range(40)]
    short = {size[0] for size in sizes}
    assert short <= {*range(480, 801, 32)}
    assert len(short) > 8
    # a size that went over a smaller one is truncated twice
    direct = {height: (height, int(height * 800 / 600)) for height in short}
    assert any(size != direct[size[0]] for size in sizes)
    assert sum(size == direct[size[0]] for size in sizes) > 10
