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
        'mmsgg.engine.hooks.training_counts.scene_graphs_of',
        lambda dataset: SimpleNamespace(predicates=np.array([3, 0, 3])),
    )
    PredicateCountHook().before_run(runner)
    counts = np.array([1, 0, 0, 2, *[0] * 7])
    assert torch.equal(loss.weights, ClassBalancedLoss(0.9, counts).weights)


class CountingHead(torch.nn.Module):
    """Remembers what it was told."""

    counts = None

    def set_counts(self, counts):
        self.counts = counts.tolist()


@pytest.mark.parametrize('count_for_test', [False, True])
def test_a_head_is_told_before_a_test_where_that_is_asked_for(
    data_root, count_for_test
):
    runner = make_runner(data_root, training=False)
    head = runner.model.relation_head = CountingHead()
    PredicateCountHook(count_for_test).before_run(runner)
    if not count_for_test:
        assert head.counts is None
        return
    graphs = runner.train_dataloader.dataset.scene_graphs
    assert head.counts == np.bincount(graphs.predicates, minlength=11).tolist()


def test_a_head_is_told_again_once_weights_are_loaded(data_root):
    runner = make_runner(data_root, training=True)
    head = runner.model.relation_head = CountingHead()
    hook = PredicateCountHook()
    hook.before_run(runner)
    counted, head.counts = head.counts, None  # a checkpoint of other data
    hook.before_train(runner)
    assert head.counts == counted and sum(counted) > 20
