"""PE-Net: its losses against plain loops, and what its options do."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.models.relation_heads.penet_rel_head import (
    prototype_losses,
    relation_distance_loss,
)
from mmsgg.models.relation_heads.relation_nms import relation_nms
from mmsgg.registry import MODELS

from .samples import (
    NO_REGIONS,
    class_targets,
    feature_map,
    metas,
    penet_cfg,
    random_features,
    random_objects,
)


@pytest.mark.parametrize('num', [3, 14])
def test_losses_are_those_of_a_loop(num):
    """With few predicates the mean is over all that are wrong."""
    prototypes = random_features(num, 5).requires_grad_()
    pairs = random_features(6, 5, 1).requires_grad_()
    predicates = torch.randint(num, (6,))
    terms = []
    for pair, own in zip(pairs, predicates.tolist(), strict=True):
        squares = [(pair - c).square().sum() for c in prototypes]
        wrong = sorted(squares[:own] + squares[own + 1 :])[:10]
        terms.append((1 + squares[own] - sum(wrong) / len(wrong)).relu())
    expected = sum(terms) / 6
    found = relation_distance_loss(pairs, prototypes, predicates)
    torch.testing.assert_close(found, expected)
    for ours, plain in zip(
        torch.autograd.grad(found, [pairs, prototypes]),
        torch.autograd.grad(expected, [pairs, prototypes]),
        strict=True,
    ):
        torch.testing.assert_close(ours, plain)

    fixed = prototypes.detach()
    terms, rows = [], []
    for i, c in enumerate(prototypes):
        others = [(c - d).square().sum() for d in fixed]
        terms.append((7 - min(others[:i] + others[i + 1 :])).relu())
        angles = [torch.cosine_similarity(c, d, dim=0) for d in fixed]
        rows.append(torch.stack(angles).norm())
    expected = [sum(rows) / num**2, sum(terms) / num]
    losses = [*prototype_losses(prototypes).values()]
    torch.testing.assert_close(losses, expected)
    for ours, plain in zip(losses, expected, strict=True):
        torch.testing.assert_close(
            torch.autograd.grad(ours, prototypes, retain_graph=True),
            torch.autograd.grad(plain, prototypes, retain_graph=True),
        )


@torch.no_grad()
def test_pairs_of_a_batch_are_drawn_to_their_own_prototypes():
    torch.manual_seed(0)
    head = MODELS.build(penet_cfg()).eval()
    [x] = feature_map(2)
    objects = [random_objects(n, n) for n in (3, 2)]
    targets = [
        class_targets([0] * len(image))._replace(
            pairs=head.all_pairs(image.bboxes),
            predicates=torch.tensor(predicates),
        )
        for image, predicates in zip(
            objects, ([0, 1, 2, 3, 0, 1], [3, 2]), strict=True
        )
    ]

    def loss(first, end):
        own = targets[first:end]
        pairs = [target.pairs for target in own]
        output = head((x[first:end],), objects[first:end], pairs, own)
        return head.auxiliary_losses(output, [])['loss_relation_distance']

    expected = (6 * loss(0, 1) + 2 * loss(1, 2)) / 8
    assert expected > 0
    torch.testing.assert_close(loss(0, 2), expected)


def test_no_pair_has_no_loss():
    none = torch.zeros(0, dtype=torch.long)
    loss = relation_distance_loss(torch.zeros(0, 5), torch.rand(4, 5), none)
    assert loss == 0


def test_the_same_objects_do_not_share_a_predicate():
    """Two subjects in one place, an object, and one apart from them."""
    boxes = torch.tensor(
        [[0, 0, 9, 9], [0, 0, 9, 8], [20, 0, 29, 9], [40, 0, 49, 9.0]]
    )
    instances = InstanceData(
        bboxes=boxes,
        labels=torch.tensor([1, 1, 0, 1]),
        scores=torch.tensor([0.9, 0.8, 0.5, 0.7]),
    )
    probabilities = torch.tensor([0.6, 0.3, 0.05])
    relations = InstanceData(
        pairs=torch.tensor([[0, 2], [1, 2], [3, 2]]),
        predicate_scores=probabilities.expand(3, 3),
    )
    found = relation_nms(instances, relations, 0.6)
    assert found.pairs[:, 0].tolist() == [0, 3, 1]
    assert found.labels.tolist() == [0, 0, 1]
    assert found.predicate_scores[2].tolist() == [0, *probabilities[1:]]
    expected = [0.9 * 0.5 * 0.6, 0.7 * 0.5 * 0.6, 0.8 * 0.5 * 0.3]
    torch.testing.assert_close(found.scores, torch.tensor(expected))
    found = relation_nms(instances, relations, 0.6, rank_by_subject=True)
    expected = [0.9**2 * 0.6, 0.7**2 * 0.6, 0.8**2 * 0.3]
    torch.testing.assert_close(found.scores, torch.tensor(expected))
    instances.labels[1] = 2  # another class is another object
    found = relation_nms(instances, relations, 0.6)
    assert found.labels.tolist() == [0, 0, 0]
    instances.labels[1], instances.bboxes[1, 3] = 1, 4  # half of the first
    for iou, labels in ((0.5, [0, 0, 1]), (0.51, [0, 0, 0])):
        found = relation_nms(instances, relations, iou)
        assert found.labels.tolist() == labels


def test_more_pairs_than_predicates_leave_some_without():
    instances = InstanceData(
        bboxes=torch.zeros(4, 4),
        labels=torch.tensor([1, 1, 1, 0]),
        scores=torch.ones(4),
    )
    relations = InstanceData(
        pairs=torch.tensor([[0, 3], [1, 3], [2, 3]]),
        predicate_scores=torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]),
    )
    found = relation_nms(instances, relations, 0.6)
    assert found.pairs[:, 0].tolist() == [0, 2, 1]
    torch.testing.assert_close(found.scores, torch.tensor([0.9, 0.3, 0.0]))
    empty = relation_nms(instances, relations[:0], 0.6)
    assert len(empty) == 0


@torch.no_grad()
def test_relation_nms_is_an_option():
    objects = random_objects(4, task='predcls')
    objects.bboxes[1], objects.labels[1] = objects.bboxes[0], objects.labels[0]
    found = []
    for iou in (None, 0.6):
        torch.manual_seed(0)
        head = MODELS.build(penet_cfg(relation_nms_iou=iou)).eval()
        x = feature_map(1)
        [(_, relations)] = head.predict(x, [objects], metas(1))
        [(_, few)] = head.predict(x, [objects], metas(1), max_relations=5)
        assert torch.equal(few.pairs, relations.pairs[:5])
        found.append(
            {
                (s, o): label
                for (s, o), label in zip(
                    relations.pairs.tolist(),
                    relations.labels.tolist(),
                    strict=True,
                )
            }
        )
    plain, shared = found
    for other in (2, 3):
        assert plain[0, other] == plain[1, other]
        assert shared[0, other] != shared[1, other]


def test_a_frequency_bias_that_nothing_adds_is_refused():
    with pytest.raises(TypeError, match="argument 'frequency_bias'"):
        MODELS.build(penet_cfg(frequency_bias=True))


def test_it_needs_regions():
    with pytest.raises(ValueError, match='object_head and union_head'):
        MODELS.build(penet_cfg(features=NO_REGIONS['features']))
