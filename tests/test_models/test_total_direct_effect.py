from copy import deepcopy

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.models.relation_heads import BaseRelationHead, base_relation_head
from mmsgg.registry import MODELS

from .samples import (
    NUM_CLASSES,
    NUM_PREDICATES,
    feature_map,
    imp_cfg,
    linknet_cfg,
    motifs_cfg,
    random_objects,
    random_sample,
    transformer_cfg,
)

HEADS = dict(
    linknet=linknet_cfg,
    imp=imp_cfg,
    motifs=motifs_cfg,
    transformer=transformer_cfg,
)
TDE = dict(type='TotalDirectEffect', channels=16)
METAS = [dict(scale_factor=(1.0, 1.0))]


class TwoFeatureHead(BaseRelationHead):
    """Logits of a pair: what its looks say, plus what its classes say."""

    def __init__(self, **kwargs):
        super().__init__(NUM_CLASSES, NUM_PREDICATES, **kwargs)
        self.looks = torch.nn.Identity()
        self.by_looks = torch.randn(2, NUM_PREDICATES + 1)
        self.by_class = torch.randn(NUM_CLASSES, NUM_PREDICATES + 1)

    def forward(self, x, objects, pairs, targets=None):
        features = self.looks(x[0])  # one image, (N, 1)
        logits, labels = self.decide_classes(
            objects, objects[0].logits, targets
        )
        subject, object_ = pairs[0].T
        scores = (
            features[subject] * self.by_looks[0]
            + features[object_] * self.by_looks[1]
            + self.by_class[labels[subject]]
        )
        return self.collect(logits, labels, scores, pairs)


@pytest.fixture(params=HEADS)
def head(request):
    torch.manual_seed(0)
    return MODELS.build(HEADS[request.param](debiasing=TDE))


def train_once(head, *sizes):
    samples = [random_sample(n, n, n) for n in sizes]
    objects = [random_objects(n, n) for n in sizes]
    for image, sample in zip(objects, samples, strict=True):
        image.bboxes = sample.gt_instances.bboxes
    return head.train().loss(feature_map(len(sizes)), objects, samples)


@torch.no_grad()
def test_the_effect_by_hand():
    torch.manual_seed(0)
    head = TwoFeatureHead(
        debiasing=dict(
            type='TotalDirectEffect', channels=1, treated='looks', strength=0.5
        )
    ).eval()
    head.debiasing.mean.fill_(0.3)
    head.debiasing.num_batches += 1
    objects = random_objects(3, task='predcls')
    x = (torch.tensor([[1.0], [2.0], [-1.0]]),)
    [(_, relations)] = head.predict(x, [objects], METAS)
    for (s, o), scores in zip(
        relations.pairs.tolist(), relations.predicate_scores, strict=True
    ):
        by_class = head.by_class[objects.labels[s]]
        y = x[0][s] * head.by_looks[0] + x[0][o] * head.by_looks[1] + by_class
        y_bar = 0.3 * head.by_looks.sum(dim=0) + by_class
        background = y.softmax(dim=0)[-1]
        effect = (y - 0.5 * y_bar)[:-1].softmax(dim=0)
        torch.testing.assert_close(scores, (1 - background) * effect)


@torch.no_grad()
def test_full_strength_forgets_what_classes_say():
    torch.manual_seed(0)
    tde = MODELS.build(dict(TDE, channels=1, treated='looks'))
    said = torch.randn(5, NUM_PREDICATES + 1)
    shown = torch.randn(5, NUM_PREDICATES + 1)
    probs = tde.subtract(said + shown, said).softmax(dim=1)
    expected = shown[:, :-1].softmax(dim=1)
    shares = probs[:, :-1] / probs[:, :-1].sum(dim=1, keepdim=True)
    torch.testing.assert_close(shares, expected)
    background = (said + shown).softmax(dim=1)[:, -1]
    torch.testing.assert_close(probs[:, -1], background)


@torch.no_grad()
def test_without_strength_nothing_is_subtracted(head):
    train_once(head, 4)
    head.eval().debiasing.strength = 0.0
    objects = [random_objects(n, n, 'sgdet') for n in (3, 0, 1)]
    debiased = head.predict(feature_map(3), objects, METAS * 3)
    head.debiasing = None
    plain = head.predict(feature_map(3), objects, METAS * 3)
    for left, right in zip(debiased, plain, strict=True):
        for one, other in zip(left, right, strict=True):
            for key, value in one.items():
                torch.testing.assert_close(value, other[key])


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
@torch.no_grad()
def test_y_bar_is_the_head_on_mean_features_and_decided_classes(head, task):
    train_once(head, 4)
    objects, x = random_objects(4, 1, task), feature_map(1)
    pairs = head.eval().all_pairs(objects.bboxes)
    output = head(x, [objects], [pairs])
    [labels], [y] = output.labels, output.predicate_logits
    certain = torch.nn.functional.one_hot(labels, NUM_CLASSES + 1) * 2000.0
    named = InstanceData(
        metainfo=objects.metainfo,
        bboxes=objects.bboxes,
        labels=labels,
        logits=certain - 1000,
    )
    mean, kept = head.debiasing.mean, head.features.object_head
    head.features.object_head = torch.nn.Identity()
    head.features.object_head.forward = lambda pooled: mean.repeat(
        len(pooled), 1
    )
    [y_bar] = head(x, [named], [pairs]).predicate_logits
    head.features.object_head = kept
    expected = head.debiasing.subtract(y, y_bar).softmax(dim=1)
    assert not torch.allclose(expected, y.softmax(dim=1), atol=1e-3)

    [(instances, relations)] = head.predict(x, [objects], METAS)
    assert torch.equal(instances.labels, labels)
    found = {
        tuple(pair): scores
        for pair, scores in zip(
            relations.pairs.tolist(), relations.predicate_scores, strict=True
        )
    }
    for pair, probs in zip(pairs.tolist(), expected, strict=True):
        torch.testing.assert_close(found[tuple(pair)], probs[:-1])


@torch.no_grad()
def test_classes_are_decided_once_for_both_runs(head, monkeypatch):
    train_once(head, 4)
    calls = []

    def counted(scores, *args):
        calls.append(len(scores))
        return late_nms(scores, *args)

    late_nms = base_relation_head.late_nms
    monkeypatch.setattr(base_relation_head, 'late_nms', counted)
    objects = [random_objects(n, n, 'sgdet') for n in (3, 0, 4)]
    head.eval().predict(feature_map(3), objects, METAS * 3)
    assert calls == [3, 0, 4]


def test_training_averages_and_changes_nothing_else(head):
    features, losses = [], []
    spy = head.features.object_head.register_forward_hook(
        lambda part, inputs, output: features.append(output.detach())
    )
    for sizes in ((3, 2), (4,)):
        torch.manual_seed(0)
        losses.append(train_once(head, *sizes))
    batch_means = [batch.mean(dim=0) for batch in features]
    expected = torch.stack(batch_means).mean(dim=0)
    torch.testing.assert_close(head.debiasing.mean, expected)
    head.debiasing.num_batches.fill_(1e6)
    train_once(head, 2)
    expected = expected + 5e-4 * (features[-1].mean(dim=0) - expected)
    torch.testing.assert_close(head.debiasing.mean, expected)
    train_once(head, 0)  # no objects, no news
    torch.testing.assert_close(head.debiasing.mean, expected)

    spy.remove()
    head.debiasing = None
    torch.manual_seed(0)
    torch.testing.assert_close(train_once(head, 4), losses[1])


def test_a_checkpoint_carries_the_mean(head):
    train_once(head, 4)
    fresh = deepcopy(head)
    for buffer in fresh.debiasing.buffers():
        buffer.zero_()
    fresh.load_state_dict(head.state_dict())
    assert torch.equal(fresh.debiasing.mean, head.debiasing.mean)
    assert fresh.debiasing.mean.any() and fresh.debiasing.num_batches == 1
    with torch.no_grad():
        fresh.eval().predict(feature_map(1), [random_objects(2)], METAS)


def test_without_a_mean_it_says_so(head):
    with pytest.raises(RuntimeError, match='train with this debiasing'):
        head.eval().predict(feature_map(1), [random_objects(2)], METAS)


def test_a_head_without_the_part_is_refused():
    head = MODELS.build(
        dict(
            type='FrequencyRelHead',
            num_classes=NUM_CLASSES,
            num_predicates=NUM_PREDICATES,
            debiasing=TDE,
        )
    )
    with pytest.raises(
        ValueError, match=r'FrequencyRelHead has no part .*debiasing\.treated'
    ):
        train_once(head, 2)
