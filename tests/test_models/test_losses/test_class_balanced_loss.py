import pytest
import torch
import torch.nn.functional as F

from mmsgg.models.losses import ClassBalancedLoss
from mmsgg.registry import MODELS

COUNTS = [1000, 10, 0]


def test_the_weights_are_those_of_the_paper():
    beta = 0.99
    loss = ClassBalancedLoss(beta, COUNTS)
    counts = [max(n, 1) for n in COUNTS]
    effective = [sum(beta**i for i in range(n)) for n in counts]
    inverse = [1 / number for number in effective]
    weights = loss.weights.tolist()
    assert weights[-1] == 1  # background
    assert weights[1] / weights[0] == pytest.approx(inverse[1] / inverse[0])
    assert weights[2] / weights[1] == pytest.approx(inverse[2] / inverse[1])
    total = sum(w * n for w, n in zip(weights, counts, strict=False))
    assert total / sum(counts) == pytest.approx(1)


def test_each_label_weighs_what_it_should():
    loss = ClassBalancedLoss(0.9, COUNTS, loss_weight=2.0)
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0, 3])
    plain = F.cross_entropy(logits, labels, reduction='none')
    expected = 2 * sum(
        loss.weights[label] * value
        for label, value in zip(labels, plain, strict=True)
    )
    result = loss(logits, labels, avg_factor=6)
    torch.testing.assert_close(result, expected / 6)
    assert loss(logits[:0], labels[:0], avg_factor=1) == 0


def test_beta_0_is_the_plain_loss():
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 3])
    loss = MODELS.build(dict(type='ClassBalancedLoss', beta=0, counts=COUNTS))
    expected = F.cross_entropy(logits, labels)
    torch.testing.assert_close(loss(logits, labels, avg_factor=6), expected)


def test_a_data_set_without_relations_counts_too():
    loss = ClassBalancedLoss(0.9, [0, 0])
    assert loss.weights.tolist() == [1, 1, 1]


def test_errors_name_the_mend():
    logits, labels = torch.randn(2, 4), torch.tensor([0, 3])
    with pytest.raises(RuntimeError, match='PredicateCountHook'):
        ClassBalancedLoss()(logits, labels)
    with pytest.raises(ValueError, match='2 counts, but logits of 3 labels'):
        ClassBalancedLoss(counts=[1, 2])(logits, labels)
    with pytest.raises(ValueError, match=r'beta must be in \[0, 1\), got 1'):
        ClassBalancedLoss(beta=1)


def test_the_weights_stay_out_of_checkpoints():
    assert not ClassBalancedLoss(counts=COUNTS).state_dict()
