"""RelTR: edge cases, gradients, and what is the same relation."""

import math

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.models.relation_heads import triplet_matching
from mmsgg.models.relation_heads.reltr_rel_head import unique
from mmsgg.models.relation_heads.triplet_decoder import TripletDecoder
from mmsgg.models.relation_heads.triplet_matching import (
    Boxes,
    TripletMatcher,
    assign,
)
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from ..folders import ROOT
from .samples import SIZE, count_drops, random_sample

CONFIG = ROOT / 'configs' / 'toy' / 'reltr_sgdet.py'


@pytest.fixture(scope='module')
def built():
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    model.init_weights()
    return model


@pytest.fixture
def model(built):
    built.zero_grad()
    return built.train()


def batch_of(model, *sizes):
    """Images of (objects, relations), the second one smaller."""
    generator = torch.Generator().manual_seed(1)
    images, samples = [], []
    for i, (num_objects, num_relations) in enumerate(sizes):
        sample = random_sample(num_objects, num_relations, seed=i)
        if i == 1:
            sample.set_metainfo(dict(img_shape=(SIZE, SIZE - 16)))
        images.append(
            torch.randint(
                255,
                (3, *sample.img_shape),
                dtype=torch.uint8,
                generator=generator,
            )
        )
        samples.append(sample)
    return model.data_preprocessor(
        dict(inputs=images, data_samples=samples), model.training
    )


def predict(model, data, **options):
    """The graph of a single image."""
    with torch.no_grad():
        [found] = model.predict(
            data['inputs'], data['data_samples'], **options
        )
    return found


@pytest.mark.parametrize(
    'sizes',
    [
        [(3, 2), (1, 0)],
        [(2, 0), (3, 0)],
        [(0, 0), (2, 1)],
        [(0, 0)],
        [(20, 18)],  # more than there are queries
    ],
)
def test_every_weight_learns_from_every_batch(model, sizes):
    """So that training on several processes needs no search for others."""
    losses = model(**batch_of(model, *sizes), mode='loss')
    assert {name.rpartition('.')[2] for name in losses} == {
        'loss_object', 'loss_bbox', 'loss_iou', 'loss_predicate'
    }  # fmt: skip
    assert len(losses) == 4 * len(model.relation_head.decoder.layers)
    loss, _ = model.parse_losses(losses)
    assert loss.isfinite()
    loss.backward()
    missing = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert not missing


def test_where_triplets_look_learns_nothing_from_what_is_read_there(model):
    """As published: the maps have no gradient."""
    data = batch_of(model, (3, 2))
    x = model.extract_feat(data['inputs'])
    found = model.find(x, data['data_samples'], None, with_losses=True)
    memory, positions, padding = (
        level.flatten(2).transpose(1, 2) for level in found.x
    )
    entities = torch.stack([o.layer_states for o in found.objects])
    states = model.relation_head.decoder(
        memory, positions, padding[..., 0], entities.permute(2, 0, 1, 3)
    )
    assert states.subjects.requires_grad
    assert not states.attention.requires_grad


@torch.no_grad()
def test_what_training_drops(monkeypatch):
    """Both attentions and layers of either role, and what both look at."""
    decoder = TripletDecoder(3, 2, 8, 2, 16, dropout=0.5)
    inputs = torch.rand(1, 5, 8), torch.rand(1, 5, 8), None
    found = count_drops(monkeypatch)
    decoder.eval()(*inputs, torch.rand(2, 1, 4, 8))
    assert found == ({}, {})
    decoder.train()(*inputs, torch.rand(2, 1, 4, 8))
    # a layer: 1 + 2 * (2 + 1 + 2), and the weights of three attentions, of
    # which torch drops those that it gives out as it drops channels
    assert found == ({0.5: 2 * 11}, {0.5: 2 * 3})


def test_a_frozen_detector(model):
    model.freeze_detector = True
    model.detector.requires_grad_(False)
    model.train()
    try:
        losses = model(**batch_of(model, (3, 2)), mode='loss')
        model.parse_losses(losses)[0].backward()
        for name, parameter in model.named_parameters():
            of_head = name.startswith('relation_head.')
            assert (parameter.grad is not None) == of_head, name
    finally:
        model.freeze_detector = False
        for name, parameter in model.detector.named_parameters():
            frozen = ('backbone.conv1', 'backbone.bn1', 'backbone.layer1')
            parameter.requires_grad_(not name.startswith(frozen))


def test_half_precision(model):
    data = batch_of(model, (3, 2), (2, 1))
    exact = model.parse_losses(model(**data, mode='loss'))[0]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
        x = model.extract_feat(data['inputs'])
        found = model.find(x, data['data_samples'], None)
        triplets = model.relation_head.decode(found.x, found.objects)
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    loss = model.parse_losses(losses)[0]
    loss.backward()
    torch.testing.assert_close(loss, exact, rtol=0.1, atol=0)
    # costs and losses are not of rounded numbers
    numbers = [*triplets.subjects, *triplets.objects, triplets[-1]]
    for image in found.objects:
        numbers += image.layer_logits, image.layer_bboxes
    assert {values.dtype for values in numbers} == {torch.float32}


def test_an_image_alone_is_an_image_of_a_batch(model):
    """Padding is not looked at."""
    model.eval()
    data = batch_of(model, (3, 2), (2, 1))
    with torch.no_grad():
        both = model(**data, mode='predict')
        [alone] = model(
            data['inputs'][1:], data['data_samples'][1:], mode='predict'
        )
    for field in ('pred_instances', 'pred_relations'):
        one, other = both[1].get(field), alone.get(field)
        for name, values in one.items():
            torch.testing.assert_close(values, other.get(name))
    num = model.relation_head.decoder.triplet_embedding.num_embeddings
    assert len(alone.pred_instances) == 2 * num
    assert len(alone.pred_relations) == num


def test_boxes_may_leave_the_image_and_calls_may_want_fewer(model):
    model.eval()
    torch.nn.init.constant_(model.relation_head.subject_reg[-1].bias, 4.0)
    try:
        data = batch_of(model, (3, 2))
        few = predict(model, data, max_relations=1, max_triplets=3)
        [best] = few.pred_relations.pairs.tolist()
        found = predict(model, data, max_relations=9, max_triplets=3)
    finally:
        torch.nn.init.zeros_(model.relation_head.subject_reg[-1].bias)
    assert found.pred_relations.pairs[0].tolist() == best
    assert len(found.pred_relations) == 3
    subjects = found.pred_instances.bboxes[found.pred_relations.pairs[:, 0]]
    assert (subjects > SIZE).any()


def test_other_tasks_and_given_pairs_are_refused(model):
    data = batch_of(model, (3, 2))
    for task in ('predcls', 'sgcls'):
        with pytest.raises(ValueError, match=f'not {task!r}: objects are'):
            predict(model, data, task=task)
    model.given_pairs = True
    try:
        with pytest.raises(ValueError, match='leave out given_pairs'):
            predict(model, data)
    finally:
        model.given_pairs = False


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('debiasing', dict(type='LogitAdjustment')),
        ('overlap_only', True),
        ('sampler', dict(type='RelationSampler')),
    ],
)
def test_what_it_would_not_read_is_refused(name, value):
    head = dict(type='RelTRRelHead', num_classes=3, num_predicates=2)
    with pytest.raises(TypeError, match=f"argument '{name}'"):
        MODELS.build(head | {name: value})


def test_unique_against_a_loop():
    """Greedily, the best first; what was dropped drops nothing."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.randint(0, 12, (80, 2), generator=generator).float()
    bboxes = torch.cat([corners, corners + 20], dim=1)
    labels = torch.randint(2, (80,), generator=generator)
    instances = InstanceData(bboxes=bboxes, labels=labels)
    rows = torch.arange(40)
    pairs = torch.stack([rows, rows + 40], dim=1)
    predicates = torch.randint(2, (40,), generator=generator)
    relations = InstanceData(pairs=pairs, labels=predicates)
    found = unique(instances, relations, 0.6)

    def iou(one, other):
        left, top = torch.maximum(one[:2], other[:2])
        right, bottom = torch.minimum(one[2:], other[2:])
        common = max(right - left + 1, 0) * max(bottom - top + 1, 0)
        return common / (2 * 21 * 21 - common)

    kept = []
    for row, (s, o) in enumerate(pairs.tolist()):
        for other in kept:
            s2, o2 = pairs[other].tolist()
            names = labels[s], predicates[row], labels[o]
            if names != (labels[s2], predicates[other], labels[o2]):
                continue
            if min(iou(bboxes[s], bboxes[s2]), iou(bboxes[o], bboxes[o2])) >= (
                0.6
            ):
                break
        else:
            kept.append(row)
    assert 10 < len(kept) < 40
    assert found.pairs[:, 0].tolist() == kept
    nothing = relations[:0]
    assert len(unique(instances, nothing, 0.6)) == 0


def test_unique_is_an_option(model):
    model.eval()
    data = batch_of(model, (3, 2))
    head = model.relation_head
    every = predict(model, data).pred_relations
    head.unique, head.unique_iou = True, -1.0  # all boxes are the same
    try:
        few = predict(model, data)
    finally:
        head.unique, head.unique_iou = False, 0.5
    labels = few.pred_instances.labels
    pairs = few.pred_relations.pairs
    names = [*zip(*labels[pairs].T.tolist(), few.pred_relations.labels,
                  strict=True)]  # fmt: skip
    assert len({*map(str, names)}) == len(names) < len(every)
    assert few.pred_relations.scores[0] == every.scores[0]


def slow_cost(logits, label, box, truth, size):
    """Cost of a query with a class and a box [x1, y1, x2, y2]."""

    def parts(b):
        (x1, y1, x2, y2), (height, width) = b, size
        return [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height,
                (x2 - x1) / width, (y2 - y1) / height]  # fmt: skip

    def area(b):
        return max(b[2] - b[0], 0) * max(b[3] - b[1], 0)

    distance = sum(abs(p - q) for p, q in zip(
        parts(box), parts(truth), strict=True))  # fmt: skip
    lower = [*map(max, box[:2], truth[:2]), *map(min, box[2:], truth[2:])]
    upper = [*map(min, box[:2], truth[:2]), *map(max, box[2:], truth[2:])]
    union = area(box) + area(truth) - area(lower)
    giou = area(lower) / union - (area(upper) - union) / area(upper)
    return slow_focal(logits, label) + 5 * distance - 2 * giou


def slow_focal(logits, label):
    p = 1 / (1 + math.exp(-logits[label]))
    positive = -0.25 * (1 - p) ** 2 * math.log(p + 1e-8)
    return positive + 0.75 * p**2 * math.log(1 - p + 1e-8)


def test_costs_of_a_match(monkeypatch):
    """Of subject and object together, and half of that of the predicate."""
    generator = torch.Generator().manual_seed(3)
    sample = random_sample(3, 2)
    num_layers, num_queries = 2, 4
    shape = (num_layers, 1, num_queries)

    def random_queries():
        corners = torch.rand(*shape, 2, generator=generator) * 30
        sizes = 5 + torch.rand(*shape, 2, generator=generator) * 30
        return Boxes(
            torch.randn(*shape, 5, generator=generator),
            torch.cat([corners, corners + sizes], dim=-1),
        )

    roles = [random_queries() for _ in range(3)]
    predicates = torch.randn(*shape, 4, generator=generator)
    seen = []
    monkeypatch.setattr(triplet_matching, 'assign', seen.append)
    TripletMatcher().match(*roles, predicates, [sample])
    [of_entities], [of_triplets] = seen
    gt, relations = sample.gt_instances, sample.gt_relations

    def cost(boxes, layer, query, row):
        logits, bboxes = (field[layer, 0, query].tolist() for field in boxes)
        return slow_cost(
            logits,
            gt.labels[row],
            bboxes,
            gt.bboxes[row].tolist(),
            sample.img_shape,
        )

    for layer in range(num_layers):
        for query in range(num_queries):
            for row in range(3):
                expected = cost(roles[0], layer, query, row)
                found = of_entities[layer, query, row]
                assert found == pytest.approx(expected, abs=1e-5)
            for row, (s, o) in enumerate(relations.pairs.tolist()):
                expected = (
                    cost(roles[1], layer, query, s)
                    + cost(roles[2], layer, query, o)
                    + slow_focal(
                        predicates[layer, 0, query].tolist(),
                        relations.labels[row],
                    )
                    / 2
                )
                found = of_triplets[layer, query, row]
                assert found == pytest.approx(expected, abs=1e-5)


def test_what_finds_an_object_fits_whatever_it_says_of_none():
    sample = SGDataSample()
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[0.0, 0, 10, 10]]), labels=torch.tensor([1])
    )
    queries = [  # logits, the last of no object, and height of the box
        ([0, 2, 5], 10, True),
        ([2, 1, 0], 10, False),
        ([0, 1, 0], 5, True),
        ([0, 1, 0], 4, False),
    ]
    logits, heights, expected = zip(*queries, strict=True)
    boxes = Boxes(
        torch.tensor([[logits]]),
        torch.tensor([[[[0.0, 0, 10, y] for y in heights]]]),
    )
    found = TripletMatcher(good_iou=0.5).fits(boxes, [sample])
    assert found.tolist() == [[[*expected]]]


def test_costs_that_are_no_numbers_are_left_to_the_losses():
    costs = torch.tensor([[[float('nan'), 1.0], [0.5, float('inf')]]])
    [matches] = assign([costs, costs[..., :1]])
    assert matches.images.tolist() == [0, 0, 1]
    assert sorted(matches.rows.tolist()) == [0, 1, 2]
