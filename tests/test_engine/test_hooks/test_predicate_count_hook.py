from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsgg.engine.hooks import PredicateCountHook
from mmsgg.models.losses import ClassBalancedLoss
from mmsgg.testing import write_toy_vg

from .test_hooks import make_runner


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    write_toy_vg(root, num_train=12, num_test=2, progress=False)
    return root


@pytest.mark.parametrize('training', [False, True])
def test_training_counts_its_predicates(data_root, training):
    runner = make_runner(data_root, training)
    loss = runner.model.relation_head.loss_predicate = ClassBalancedLoss(0.9)
    PredicateCountHook().before_run(runner)
    if not training:
        assert loss.weights is None
        return
    dataset = runner.train_dataloader.dataset
    counts = np.zeros(11)
    for i in range(len(dataset)):
        for relation in dataset.get_data_info(i)['relations']:
            counts[relation['predicate_label']] += 1
    assert counts.sum() > 20
    expected = ClassBalancedLoss(0.9, counts).weights
    assert torch.equal(loss.weights, expected)


@pytest.mark.parametrize('loss', [None, torch.nn.CrossEntropyLoss()])
def test_nothing_is_counted_for_a_loss_without_counts(data_root, loss):
    runner = make_runner(data_root, training=True)
    runner.model.relation_head.loss_predicate = loss
    del runner.train_dataloader
    PredicateCountHook().before_run(runner)


def test_a_predicate_that_never_occurs_is_counted_too(data_root, monkeypatch):
    runner = make_runner(data_root, training=True)
    loss = runner.model.relation_head.loss_predicate = ClassBalancedLoss(0.9)
    monkeypatch.setattr(
        'mmsgg.engine.hooks.predicate_count_hook.scene_graphs_of',
        lambda dataset: SimpleNamespace(predicates=np.array([3, 0, 3])),
    )
    PredicateCountHook().before_run(runner)
    counts = np.array([1, 0, 0, 2, *[0] * 7])
    assert torch.equal(loss.weights, ClassBalancedLoss(0.9, counts).weights)
