"""Logit adjustment, after training and in it, against slow formulas."""

import math
from copy import deepcopy

import pytest
import torch

from mmsgg.models.layers import log_rarity
from mmsgg.models.losses import LogitAdjustedLoss
from mmsgg.registry import MODELS

from .samples import (
    assert_same_graph,
    feature_map,
    linknet_cfg,
    motifs_cfg,
    random_objects,
)

COUNTS = [90, 10, 0]
PRIORS = [90 / 101, 10 / 101, 1 / 101]
METAS = [dict(scale_factor=(1.0, 1.0))]
SETTINGS = [
    dict(tau=0.7),
    dict(tau=0.7, keep_background=False),
    dict(rare_gain=0.05),
    dict(tau=0.5, rare_gain=2.0, keep_background=False),
]


def slow_factor(predicate, tau=1.0, rare_gain=None, keep_background=True):
    """What the odds of a predicate are multiplied by."""
    rarity = 1 / PRIORS[predicate] ** tau
    return rarity if rare_gain is None else 1 + rare_gain * rarity


def slow_probabilities(probs, **settings):
    """Adjust the probabilities of a pair, background last."""
    *related, background = probs
    gains = [p * slow_factor(k, **settings) for k, p in enumerate(related)]
    if settings.get('keep_background', True):
        return [(1 - background) * g / sum(gains) for g in gains] + [
            background
        ]
    total = sum(gains) + background
    return [g / total for g in [*gains, background]]


def build(cfg=linknet_cfg, **settings):
    torch.manual_seed(0)
    debiasing = dict(type='LogitAdjustment', **settings)
    head = MODELS.build(cfg(debiasing=debiasing)).eval()
    head.set_counts(COUNTS)
    return head


@torch.no_grad()
def predict(head, *sizes):
    objects = [random_objects(n, n, 'predcls') for n in sizes]
    return head.predict(feature_map(len(sizes)), objects, METAS * len(sizes))


@pytest.mark.parametrize('cfg', [linknet_cfg, motifs_cfg])
@pytest.mark.parametrize('settings', SETTINGS)
def test_predictions_are_adjusted(settings, cfg):
    head = build(cfg, **settings)
    adjusted = predict(head, 4, 0, 1)
    head.debiasing = None
    for (_, graph), (_, plain) in zip(
        adjusted, predict(head, 4, 0, 1), strict=True
    ):
        expected = {
            tuple(pair): slow_probabilities([*p, 1 - sum(p)], **settings)[:-1]
            for pair, p in zip(
                plain.pairs.tolist(),
                plain.predicate_scores.tolist(),
                strict=True,
            )
        }
        assert len(expected) == len(graph)
        for pair, label, score, scores in zip(
            graph.pairs.tolist(),
            graph.labels,
            graph.scores,
            graph.predicate_scores,
            strict=True,
        ):
            wanted = torch.tensor(expected[tuple(pair)])
            torch.testing.assert_close(scores, wanted, atol=1e-5, rtol=1e-4)
            assert label == scores.argmax() and score == scores.max()


def test_rare_predicates_gain():
    for settings in SETTINGS:
        factors = [slow_factor(k, **settings) for k in range(3)]
        assert factors[0] < factors[1] < factors[2]
    for tau, rare_gain in [(1.0, None), (0.3, None), (1.0, 0.01)]:
        shift = log_rarity(torch.tensor(COUNTS), tau, rare_gain)
        expected = [math.log(slow_factor(k, tau, rare_gain)) for k in range(3)]
        torch.testing.assert_close(shift, torch.tensor(expected))


@pytest.mark.parametrize(
    'settings', [dict(tau=0.0), dict(rare_gain=0.0, keep_background=False)]
)
def test_settings_that_change_nothing(settings):
    head = build(**settings)
    adjusted = predict(head, 5)
    head.debiasing = None
    for one, other in zip(adjusted, predict(head, 5), strict=True):
        assert_same_graph(one, other)


def test_the_checkpoint_carries_the_counts():
    head = build(tau=0.5)
    other = MODELS.build(linknet_cfg(debiasing=dict(type='LogitAdjustment')))
    assert 'predicate_counts' not in other.state_dict()
    weights = deepcopy(head.state_dict())
    other.load_state_dict(weights, strict=True)
    assert other.predicate_counts.tolist() == COUNTS
    assert 'predicate_counts' in other.state_dict()
    # a checkpoint without counts loads, and leaves what a hook counted
    del weights['predicate_counts']
    head.set_counts([1, 2, 3])
    head.load_state_dict(dict(weights), strict=True)
    assert head.predicate_counts.tolist() == [1, 2, 3]
    fresh = MODELS.build(linknet_cfg(debiasing=dict(type='LogitAdjustment')))
    fresh.load_state_dict(weights, strict=True)
    with pytest.raises(RuntimeError, match='count_for_test=True'):
        predict(fresh.eval(), 2)


def test_counts_of_another_vocabulary_are_refused():
    with pytest.raises(ValueError, match='2 predicates were counted, but thi'):
        build().set_counts([1, 2])


def loss_of(**settings):
    return MODELS.build(
        dict(type='LogitAdjustedLoss', counts=COUNTS, **settings)
    )


@pytest.mark.parametrize('settings', SETTINGS)
def test_the_loss_is_that_of_adjusted_probabilities(settings):
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0, 3])
    expected = 0.0
    for row, label in zip(logits.double(), labels.tolist(), strict=True):
        *related, background = row.softmax(dim=0).tolist()
        odds = [p / slow_factor(k, **settings) for k, p in enumerate(related)]
        if settings.get('keep_background', True):
            scale = sum(related) / sum(odds)
            odds = [scale * p for p in odds]
        odds.append(background)
        expected -= math.log(odds[label] / sum(odds)) / 6
    found = loss_of(**settings)(logits, labels, avg_factor=6)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    doubled = loss_of(loss_weight=2.0, **settings)
    torch.testing.assert_close(
        doubled(logits, labels, avg_factor=6), 2 * found
    )
    assert doubled(logits[:0], labels[:0], avg_factor=1) == 0


@pytest.mark.parametrize('settings', SETTINGS)
def test_what_it_learns_is_the_plain_head_adjusted(settings):
    """At the best logits of pairs that all look alike, nothing pulls."""
    labels = torch.tensor([0] * 20 + [1] * 5 + [2] * 1 + [3] * 14)
    share = torch.bincount(labels) / len(labels)
    wanted = slow_probabilities(share.tolist(), **settings)
    logits = torch.tensor(wanted).log().requires_grad_()
    loss = loss_of(**settings)(
        logits.expand(len(labels), -1), labels, avg_factor=len(labels)
    )
    [pull] = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(pull, torch.zeros(4), atol=1e-6, rtol=0)


def test_the_loss_without_tau_is_the_plain_one():
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 3])
    expected = torch.nn.functional.cross_entropy(logits, labels)
    found = loss_of(tau=0.0)(logits, labels, avg_factor=6)
    torch.testing.assert_close(found, expected)


def test_the_loss_needs_fitting_counts():
    logits, labels = torch.randn(2, 4), torch.tensor([0, 3])
    with pytest.raises(RuntimeError, match='PredicateCountHook'):
        LogitAdjustedLoss()(logits, labels)
    with pytest.raises(ValueError, match='2 counts, but logits of 3 labels'):
        LogitAdjustedLoss(counts=[1, 2])(logits, labels)
