"""What all relation heads inherit: pairs, decided classes, losses."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from mmsgg.models.relation_heads import FrequencyRelHead
from mmsgg.models.relation_heads.base_relation_head import RelationOutput
from mmsgg.models.relation_heads.object_classes import late_nms
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import box_ious

from .samples import (
    NUM_CLASSES,
    NUM_PREDICATES,
    class_targets,
    feature_map,
    linknet_cfg,
    random_objects,
    random_sample,
)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return MODELS.build(linknet_cfg()).eval()


@torch.no_grad()
def test_rescale_goes_to_original_pixels(head):
    objects = random_objects(3)
    [(instances, _)] = head.predict(
        feature_map(1),
        [objects],
        [dict(scale_factor=(2.0, 0.5))],
        rescale=True,
    )
    scale = torch.tensor([2.0, 0.5, 2.0, 0.5])
    torch.testing.assert_close(instances.bboxes * scale, objects.bboxes)


@torch.no_grad()
def test_of_two_limits_the_lower_one_counts(head):
    objects, x = random_objects(4), feature_map(1)
    for limits in ((2, 5), (5, 2), (0, 5), (5, 0)):
        [(_, relations)] = head.predict(
            x, [objects], [{}], False, None, *limits
        )
        assert len(relations) == min(limits)


@torch.no_grad()
def test_overlap_only_leaves_distant_pairs_out(head):
    objects = random_objects(6, seed=1)
    head.overlap_only = True
    boxes = objects.bboxes
    pairs = {tuple(pair) for pair in head.all_pairs(boxes).tolist()}
    expected = {
        (i, j)
        for i in range(6)
        for j in range(6)
        if i != j and box_ious(boxes[[i]], boxes[[j]]) > 0
    }
    assert pairs == expected
    assert 0 < len(pairs) < 30


def test_teacher_forcing_uses_targets_but_no_background(head):
    objects = random_objects(3)
    targets = class_targets([2, NUM_CLASSES, 0])
    _, labels = head.decide_classes([objects], objects.logits, [targets])
    likeliest = objects.logits[1, :-1].argmax()
    assert labels.tolist() == [2, int(likeliest), 0]


@torch.no_grad()
def test_what_is_probably_background_chooses_its_class_last(head):
    objects = [InstanceData(class_bboxes=torch.ones(2, NUM_CLASSES, 4))]
    logits = torch.tensor([[2.0, 1, 0, 0, -5], [3, 1, 0, 0, 8]])
    assert head.decide_classes(objects, logits)[1].tolist() == [0, 1]
    logits[1, -1] = -5  # now it is surer of the same class
    assert head.decide_classes(objects, logits)[1].tolist() == [1, 0]


def decided_by_loops(head, objects, logits, targets):
    """Logits and class of each object, one after another."""
    rows = iter(logits)
    for n, image in enumerate(objects):
        image_logits = [next(rows) for _ in range(len(image))]
        found = None
        if 'class_bboxes' in image and len(image):
            scores = torch.stack(image_logits).softmax(dim=1)[:, :-1]
            found = slow_late_nms(scores, image.class_bboxes, 0.3)
        for i, row in enumerate(image_logits):
            wanted = targets and int(targets[n].labels[i])
            if 'labels' in image:
                label = int(image.labels[i])
                if not head.training:
                    row = torch.full_like(row, -1000.0)
                    row[label] = 1000.0
            elif targets and wanted < NUM_CLASSES:
                label = wanted
            elif found and not targets:
                label = found[i]
            else:
                label = max(range(NUM_CLASSES), key=row.tolist().__getitem__)
            yield row, label


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.booleans()),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
    st.booleans(),
    st.integers(0, 10_000),
)
def test_classes_are_decided_as_by_loops(images, training, trained, seed):
    """Each image with or without given classes, and boxes a class."""
    head = FrequencyRelHead(NUM_CLASSES, NUM_PREDICATES).train(training)
    generator = torch.Generator().manual_seed(seed)
    objects, targets = [], []
    for num, known, detected in images:
        seed += 1
        image = random_objects(num, seed, 'sgdet' if detected else 'sgcls')
        if detected:  # all in one place, so that classes are taken
            image.class_bboxes[:] = image.class_bboxes[:1].clone()
        if known:
            image.labels = random_objects(num, seed, 'predcls').labels
        wanted = torch.randint(NUM_CLASSES + 1, (num,), generator=generator)
        objects.append(image)
        targets.append(class_targets(wanted.tolist()))
    targets = targets if trained else None
    logits = torch.randn(
        sum(map(len, objects)), NUM_CLASSES + 1, generator=generator
    )

    object_logits, labels = head.decide_classes(objects, logits, targets)

    expected = [*decided_by_loops(head, objects, logits, targets)]
    assert labels.tolist() == [label for _, label in expected]
    assert [*map(len, object_logits)] == [*map(len, objects)]
    for row, (wanted, _) in zip(
        torch.cat(object_logits), expected, strict=True
    ):
        assert torch.equal(row, wanted)


def test_background_detections_stay_background_in_the_loss(head):
    objects = random_objects(2, task='sgdet')
    targets = class_targets([1, NUM_CLASSES])
    head.train()
    head.sampler = SimpleNamespace(sample=lambda *_: targets)
    x = feature_map(1)
    losses = head.loss(x, [objects], [random_sample(2, 0)])
    output = head(x, [objects], [targets.pairs], [targets])
    [logits] = output.object_logits
    expected = torch.nn.functional.cross_entropy(logits, targets.labels)
    torch.testing.assert_close(losses['loss_object'], expected)


def test_accuracies_are_in_percent():
    head = FrequencyRelHead(NUM_CLASSES, NUM_PREDICATES)
    targets = class_targets([0, 1, 2, 0, 0])  # three are right
    output = RelationOutput(
        [torch.eye(5)], [targets.labels], [torch.zeros(0, NUM_PREDICATES + 1)]
    )
    losses = head.loss_by_feat(output, [targets], [])
    assert (losses['acc_object'], losses['acc_predicate']) == (60, 0)


def slow_late_nms(scores, boxes, iou_thr):
    scores = {
        (i, c): float(scores[i, c])
        for i in range(len(scores))
        for c in range(scores.shape[1])
    }
    labels = {}
    while len(labels) < len(boxes):
        free = {k: v for k, v in scores.items() if k[0] not in labels}
        row, label = max(free, key=lambda k: (free[k], -k[0], -k[1]))
        labels[row] = label
        for other in range(len(boxes)):
            pair = boxes[[row, other], label]
            if box_ious(pair[:1], pair[1:]) >= iou_thr:
                scores[other, label] = 0.0
    return [labels[i] for i in range(len(boxes))]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 8), st.integers(0, 10_000))
def test_late_nms_against_loops(num, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(num, 3, generator=generator)
    corners = torch.rand(num, 3, 2, generator=generator) * 8
    boxes = torch.cat([corners, corners + 10], dim=2)
    before = scores.clone()
    labels = late_nms(scores, boxes, 0.3)
    assert labels.tolist() == slow_late_nms(scores, boxes, 0.3)
    assert torch.equal(scores, before)


def test_late_nms_suppresses_from_the_threshold_on():
    boxes = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 4]])  # half of the first
    boxes = boxes[:, None].expand(-1, 2, 4)
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    assert late_nms(scores, boxes, 0.5).tolist() == [0, 1]
    assert late_nms(scores, boxes, 0.51).tolist() == [0, 0]
