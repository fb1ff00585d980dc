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
