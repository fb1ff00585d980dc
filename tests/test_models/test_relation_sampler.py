from fractions import Fraction
from itertools import permutations
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from mmsgg.models.object_sources.two_stage import select_detections
from mmsgg.models.task_modules import (
    DetectionRelationSampler,
    RelationSampler,
)
from mmsgg.structures.bbox import box_ious

from .samples import NUM_CLASSES, NUM_PREDICATES, random_sample

SIZES = (NUM_CLASSES, NUM_PREDICATES)


def draw(sampler, objects, sample):
    return sampler.sample(
        objects, sample.gt_instances, sample.gt_relations, *SIZES
    )


def rows(sample):
    """The relations as a set of (subject, object, predicate)."""
    relations = sample.gt_relations
    return {
        (*pair, label)
        for pair, label in zip(
            relations.pairs.tolist(), relations.labels.tolist(), strict=True
        )
    }


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 7),
    st.integers(0, 9),
    st.integers(0, 99),
    st.booleans(),
    st.integers(1, 40),
)
def test_gt_rule(num_boxes, num_relations, seed, overlap_only, num):
    sample = random_sample(
        num_boxes, num_relations if num_boxes > 1 else 0, seed
    )
    sampler = RelationSampler(num, 0.25, overlap_only)
    targets = draw(sampler, sample.gt_instances, sample)
    truth = rows(sample)
    related = {(s, o) for s, o, _ in truth}
    boxes = sample.gt_instances.bboxes
    free = {
        (s, o)
        for s in range(num_boxes)
        for o in range(num_boxes)
        if s != o and (s, o) not in related
        if not overlap_only or box_ious(boxes[[s]], boxes[[o]]) > 0
    }
    drawn = [
        (*pair, label)
        for pair, label in zip(
            targets.pairs.tolist(), targets.predicates.tolist(), strict=True
        )
    ]
    positives = [row for row in drawn if row[2] < NUM_PREDICATES]
    negatives = [row for row in drawn if row[2] == NUM_PREDICATES]
    assert len(positives) == min(
        len(sample.gt_relations.labels), int(num * 0.25)
    )
    assert set(positives) <= truth
    assert {(s, o) for s, o, _ in negatives} <= free
    assert len(set(negatives)) == len(negatives)
    assert len(negatives) == min(len(free), num - len(positives))
    assert torch.equal(targets.labels, sample.gt_instances.labels)


def test_gt_rule_refuses_detections():
    sample = random_sample(3, 1)
    objects = InstanceData(bboxes=torch.rand(2, 4))
    with pytest.raises(ValueError, match='DetectionRelationSampler'):
        draw(RelationSampler(), objects, sample)


@st.composite
def scenes(draw):
    """Ground truth and detections of one image, as plain lists.

    Boxes have whole pixels and lie close together, so that a detection often
    overlaps several of them, some by exactly one half.
    """

    def box():
        x, y = draw(st.integers(0, 6)), draw(st.integers(0, 6))
        w, h = draw(st.integers(4, 9)), draw(st.integers(4, 9))
        return [x, y, x + w, y + h]

    boxes = [box() for _ in range(draw(st.integers(0, 5)))]
    labels = [draw(st.integers(0, NUM_CLASSES - 1)) for _ in boxes]
    rows = st.integers(0, max(len(boxes) - 1, 0))
    relations = st.tuples(rows, rows, st.integers(0, NUM_PREDICATES - 1))
    relations = draw(st.lists(relations, max_size=6)) if boxes else []
    exact = draw(st.lists(st.sampled_from(boxes))) if boxes else []
    detections = exact[:5] + [box() for _ in range(draw(st.integers(0, 6)))]
    return boxes, labels, relations, detections


def as_sample(boxes, labels, relations):
    relations = torch.tensor(relations, dtype=torch.long).reshape(-1, 3)
    return SimpleNamespace(
        gt_instances=InstanceData(
            bboxes=torch.tensor(boxes).reshape(-1, 4).float(),
            labels=torch.tensor(labels, dtype=torch.long),
        ),
        gt_relations=InstanceData(
            pairs=relations[:, :2], labels=relations[:, 2]
        ),
    )


def slow_iou(a, b):
    """IoU as a fraction, both border pixels counted."""

    def area(x1, y1, x2, y2):
        return max(x2 - x1 + 1, 0) * max(y2 - y1 + 1, 0)

    common = area(*map(max, a[:2], b[:2]), *map(min, a[2:], b[2:]))
    return Fraction(common, area(*a) + area(*b) - common)


def slow_rule(boxes, labels, relations, detections, assigned):
    """The pairs that match each relation, and the unrelated ones.

    Args:
        assigned: Class of each detection, NUM_CLASSES for background.
    """

    def matches(d, g):
        overlap = slow_iou(detections[d], boxes[g])
        return overlap >= Fraction(1, 2) and assigned[d] == labels[g]

    pairs = [*permutations(range(len(detections)), 2)]
    related = [
        {(i, j, p) for i, j in pairs if matches(i, s) and matches(j, o)}
        for s, o, p in relations
    ]
    known = {(i, j) for drawable in related for i, j, _ in drawable}
    unrelated = {
        (i, j, NUM_PREDICATES)
        for i, j in pairs
        if (i, j) not in known
        and NUM_CLASSES not in (assigned[i], assigned[j])
    }
    return related, unrelated


@settings(max_examples=100, deadline=None)
@given(
    scenes(), st.integers(1, 200), st.integers(1, 4), st.booleans(),
    st.integers(0, 99),
)  # fmt: skip
def test_detection_rule(scene, num, num_per_relation, overlap_only, seed):
    boxes, labels, relations, detections = scene
    torch.manual_seed(seed)
    sampler = DetectionRelationSampler(
        num, 0.5, overlap_only, num_per_relation=num_per_relation
    )
    # nothing but boxes: what the detector calls them has no say
    objects = InstanceData(
        bboxes=torch.tensor(detections).reshape(-1, 4) * 1.0
    )
    targets = draw(sampler, objects, as_sample(boxes, labels, relations))

    assigned = targets.labels.tolist()
    for detection, label in zip(detections, assigned, strict=True):
        ious = [slow_iou(detection, box) for box in boxes]
        best = max(ious, default=0)
        fitting = {
            label
            for iou, label in zip(ious, labels, strict=True)
            if iou == best
        }  # more than one in a tie
        assert label in (fitting if 2 * best >= 1 else {NUM_CLASSES})

    related, unrelated = slow_rule(*scene, assigned)
    if overlap_only:
        unrelated = {
            (i, j, p)
            for i, j, p in unrelated
            if slow_iou(detections[i], detections[j])
        }
    drawn = [
        (*pair, predicate)
        for pair, predicate in zip(
            targets.pairs.tolist(), targets.predicates.tolist(), strict=True
        )
    ]
    drawable = sum(min(len(r), num_per_relation) for r in related)
    num_related = min(drawable, int(num * 0.5))
    assert set(drawn[:num_related]) <= set().union(*related)
    negatives = drawn[num_related:]
    assert set(negatives) <= unrelated
    assert len(set(negatives)) == len(negatives)
    assert len(negatives) == min(len(unrelated), num - num_related)
    if num >= 2 * drawable:
        for rows in related:
            assert not rows or rows & set(drawn[:num_related])


def test_a_misnamed_detection_is_related_as_its_ground_truth():
    """A man riding a horse, both boxes exact, the man called person."""
    man, horse, person, riding = 0, 1, 2, 1
    boxes = [[10, 0, 29, 39], [0, 20, 59, 59]]
    scores = torch.zeros(2, NUM_CLASSES + 1)
    scores[[0, 1], [person, horse]] = 1
    objects = select_detections(
        scores, torch.tensor(boxes)[:, None].expand(-1, NUM_CLASSES, 4) * 1.0
    )
    assert objects.logits.argmax(dim=1).tolist() == [person, horse]
    sample = as_sample(boxes, [man, horse], [(0, 1, riding)])
    targets = draw(DetectionRelationSampler(), objects, sample)
    assert targets.pairs.tolist() == [[0, 1], [1, 0]]
    assert targets.predicates.tolist() == [riding, NUM_PREDICATES]
    assert targets.labels.tolist() == [man, horse]


def test_a_second_detection_of_a_related_object_is_no_negative():
    boxes = [[10, 0, 29, 39], [0, 20, 59, 59]]
    sample = as_sample(boxes, [0, 1], [(0, 1, 2)])
    objects = InstanceData(bboxes=torch.tensor([*boxes, boxes[0]]) * 1.0)
    sampler = DetectionRelationSampler(num=100, num_per_relation=1)
    targets = draw(sampler, objects, sample)
    assert targets.predicates.tolist() == [2] + [NUM_PREDICATES] * 4
    assert targets.pairs[0].tolist() in ([0, 1], [2, 1])
    negatives = sorted(targets.pairs[1:].tolist())
    assert negatives == [[0, 2], [1, 0], [1, 2], [2, 0]]


def test_iou_threshold_is_inclusive():
    boxes = [[0, 0, 9, 9], [20, 0, 29, 9], [25, 0, 29, 9]]
    sample = as_sample(boxes, [0, 1, 1], [(0, 2, 1)])
    # half of the first box; the second, which is also half of the third's
    # union: its class is the third's too
    objects = InstanceData(
        bboxes=torch.tensor([[0, 0, 9, 4], [20, 0, 29, 9]]) * 1.0
    )
    sampler = DetectionRelationSampler(overlap_only=False)
    targets = draw(sampler, objects, sample)
    assert targets.labels.tolist() == [0, 1]
    assert targets.predicates.tolist() == [1, NUM_PREDICATES]
    assert targets.pairs.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize('end', [0, 1])
def test_better_fitting_detections_are_drawn_more_often(end):
    """Of a subject, and of an object."""
    torch.manual_seed(0)
    sample = random_sample(2, 1, seed=3)
    boxes = sample.gt_instances.bboxes
    poor = boxes[:1] * 1.0
    poor[:, 2] = poor[:, 0] + (poor[:, 2] - poor[:, 0]) * 0.55
    objects = InstanceData(bboxes=torch.cat([boxes, poor]))
    sample.gt_relations.pairs = torch.tensor([[end, 1 - end]])
    sampler = DetectionRelationSampler(num_per_relation=1)
    drawn = torch.cat(
        [draw(sampler, objects, sample).pairs[:1] for _ in range(500)]
    )
    exact = (drawn[:, end] == 0).sum()
    fit = float(box_ious(poor, boxes[:1]))
    assert abs(float(exact) / 500 - 1 / (1 + fit)) < 0.06
    assert 0.5 <= fit < 0.65  # so that an even draw fails
