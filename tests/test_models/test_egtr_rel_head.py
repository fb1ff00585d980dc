"""EGTR's head beyond the reference: sampling, matching, edge cases."""

import math

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.models import EGTRRelHead
from mmsgg.models.relation_heads.egtr_rel_head import QueryTargets
from mmsgg.structures import SGDataSample

CLASSES, PREDICATES, LAYERS, DIMS = 4, 3, 2, 8
SHAPE = (40, 60)


def head_of(**kwargs):
    torch.manual_seed(0)
    options = dict(embed_dims=DIMS, num_layers=LAYERS, frequency_bias=None)
    return EGTRRelHead(CLASSES, PREDICATES, **(options | kwargs))


def queries(num, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(num, *shape, generator=generator)

    corners = random(2).abs() * 8
    image = InstanceData(
        bboxes=torch.cat([corners, corners + random(2).abs() * 9 + 4], dim=1),
        logits=random(CLASSES + 1),
        features=random(DIMS),
        attention_queries=random(LAYERS, DIMS),
        attention_keys=random(LAYERS, DIMS),
    )
    image.set_metainfo(dict(img_shape=SHAPE))
    return image


def sample_of(num, pairs=(), labels=(), seed=0):
    image = queries(num, seed=seed + 50)
    sample = SGDataSample(metainfo=dict(img_shape=SHAPE))
    sample.gt_instances = InstanceData(
        bboxes=image.bboxes, labels=torch.arange(num) % CLASSES
    )
    sample.gt_relations = InstanceData(
        pairs=torch.tensor(pairs, dtype=torch.long).view(-1, 2),
        labels=torch.tensor(labels, dtype=torch.long),
    )
    return sample


def full_tensor(head, image):
    """Logits of all pairs by the formulas of the paper, at full depth."""
    layers = torch.cat([image.attention_queries, image.features[:, None]], 1)
    keys = torch.cat([image.attention_keys, image.features[:, None]], 1)
    num = len(image)
    logits = torch.zeros(num, num, PREDICATES + 1)
    for i in range(num):
        for j in range(num):
            both = [
                torch.cat(
                    [
                        head.subject_fcs[k](layers[i, k]),
                        head.object_fcs[k](keys[j, k]),
                    ]
                )
                for k in range(LAYERS + 1)
            ]
            pair = sum(head.gate_fc(r).sigmoid() * r for r in both)
            logits[i, j, :-1] = head.predicate_mlp(pair)
            logits[i, j, -1:] = -head.connectivity_mlp(pair)
    return logits


@torch.no_grad()
def test_pairs_against_loops():
    head, image = head_of(), queries(5)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    labels = torch.zeros(5, dtype=torch.long)
    torch.testing.assert_close(
        head.score_pairs(image, labels), full_tensor(head, image)
    )


@torch.no_grad()
def test_one_image_is_as_in_a_batch():
    head = head_of().eval()
    images = [queries(5), queries(1, seed=1), queries(0), queries(4, seed=2)]
    metas = [dict(img_shape=SHAPE, scale_factor=(1.0, 1.0))] * 4
    graphs = head.predict((), images, metas)
    for image, meta, (objects, relations) in zip(
        images, metas, graphs, strict=True
    ):
        num = len(image)
        assert len(objects) == num and len(relations) == num * max(num - 1, 0)
        if num:
            [(alone, related)] = head.predict((), [image], [meta])
            torch.testing.assert_close(alone.scores, objects.scores)
            torch.testing.assert_close(related.scores, relations.scores)
            assert torch.equal(related.pairs, relations.pairs)


def chosen_by_loops(logits, held, matched, limits):
    num = int(held.sum())
    first, second, related = [], [], []
    for i, row in enumerate(logits.tolist()):
        for j, cell in enumerate(row):
            for p, value in enumerate(cell):
                place = (i * len(logits) + j) * logits.shape[2] + p
                if held[i, j, p]:
                    related.append(place)
                elif matched[i] and matched[j]:
                    first.append((value, place))
                else:
                    second.append((value, place))
    for group, limit in zip((first, second), limits, strict=True):
        best = sorted(group, reverse=True)[: limit * num]
        related += [place for _, place in best]
    return sorted(related)


@pytest.mark.parametrize('limits', [(2, 3), (0, 1), (80, 80)])
@pytest.mark.parametrize('num_related', [0, 1, 4])
def test_negatives_are_the_likeliest(limits, num_related):
    generator = torch.Generator().manual_seed(num_related)
    logits = torch.randn(6, 6, PREDICATES, generator=generator)
    matched = torch.tensor([1, 0, 1, 1, 0, 1]).bool()
    rows = torch.tensor([0, 2, 3, 5])
    held = torch.zeros(6, 6, PREDICATES, dtype=torch.bool)
    held[rows[:num_related], rows.flip(0)[:num_related], 1] = True
    targets = QueryTargets(held, matched, matched.float())
    cells = head_of(negatives=limits).sample(logits, targets)
    expected = chosen_by_loops(logits, held, matched, limits)
    assert sorted(cells.tolist()) == expected
    drawn = head_of(negatives=limits, random_negatives=True)
    torch.manual_seed(1)
    cells = drawn.sample(logits, targets)
    assert len(cells) == len(expected) == len(cells.unique())
    # those of two matched queries stay the likeliest, the others do not
    kept = chosen_by_loops(logits, held, matched, (limits[0], 0))
    assert {*kept} <= {*cells.tolist()}
    if 0 < limits[1] * num_related < 60:
        assert sorted(cells.tolist()) != expected


def test_a_relation_counts_once_and_needs_a_query():
    """Two objects for one query: what has no query is not learned."""
    head = head_of()
    sample = sample_of(3, [[0, 1], [0, 1], [1, 2]], [2, 2, 0])
    targets = head.match(queries(5), sample)
    assert targets.held.sum() == 2 and targets.matched.sum() == 3
    few = head.match(queries(1), sample_of(2, [[0, 1]], [1]))
    assert few.matched.all() and not few.held.any()
    none = head.match(queries(3), sample_of(0))
    assert not none.matched.any() and not none.certainty.any()


def test_a_perfect_match_is_certain():
    head = head_of(smoothing=0.25)
    assert head.perfect_cost == pytest.approx(2 * 0.75 * math.log(1e-8) - 2)
    sample = sample_of(2, [[0, 1]], [1])
    image = queries(2)
    image.bboxes = sample.gt_instances.bboxes
    certain = torch.full((2, CLASSES + 1), -1e4)
    certain[range(2), sample.gt_instances.labels] = 1e4
    image.logits = certain
    targets = head.match(image, sample)
    torch.testing.assert_close(targets.certainty, torch.full((2,), 0.75))
    image.bboxes = image.bboxes + 1
    assert (head.match(image, sample).certainty < 0.74).all()
    head.smoothing = 0.0
    assert head.match(image, sample).certainty.tolist() == [1, 1]


@pytest.mark.parametrize('training', [True, False])
def test_batches_of_little(training):
    """Without relations, without objects: finite, and all is trained."""
    head = head_of().train(training)
    for samples in (
        [sample_of(0), sample_of(2)],
        [sample_of(0), sample_of(0)],
        [sample_of(1), sample_of(3, [[0, 2]], [1])],
    ):
        images = [queries(4), queries(4, seed=1)]
        losses = head.loss((), images, samples)
        loss = sum(losses.values())
        assert loss.isfinite()
        head.zero_grad()
        loss.backward()
        assert all(p.grad is not None for p in head.parameters())
        has_relations = any(len(s.gt_relations) for s in samples)
        if training:
            assert bool(losses['loss_predicate']) == has_relations


def test_gradients_reach_the_queries():
    image = queries(4)
    names = 'attention_queries', 'attention_keys', 'features'
    for name in names:
        image[name].requires_grad_()
    sample = sample_of(3, [[0, 1]], [1])
    sum(head_of().loss((), [image], [sample]).values()).backward()
    assert all(image[name].grad.any() for name in names)


def test_logits_are_adjusted_in_a_test_alone():
    head = head_of(frequency_bias='frequency', logit_adjustment=0.5)
    head.frequency_bias.rel_dist.copy_(torch.tensor([0.75, 0.25, 0.0]))
    logits = torch.tensor([[0.5, -1.0, 2.0, -0.25]])
    scores = head.predicate_probabilities(logits)
    adjusted = torch.tensor([[0.5, -1.0, 2.0]])
    adjusted[0, :2] -= 0.5 * torch.tensor([0.75, 0.25]).log()
    # what never occurs stays as it is
    torch.testing.assert_close(
        scores, adjusted.sigmoid() * torch.tensor(0.25).sigmoid()
    )


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match='set frequency_bias too'):
        head_of(logit_adjustment=0.3)
    image = queries(2)
    del image.attention_queries
    with pytest.raises(ValueError, match="type='QueryObjects'"):
        head_of()((), [image], [torch.tensor([[0, 1]])])
    head = head_of(frequency_bias='count')
    with pytest.raises(ValueError, match=r'needs \(4, 4, 4\)'):
        head.frequency_bias.set_counts(torch.zeros(3, 3, 4).numpy())
