import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from mmsgg.models.task_modules import (
    DetectionRelationSampler,
    RelationSampler,
)
from mmsgg.models.task_modules.relation_sampler import box_ious

from .samples import NUM_CLASSES, NUM_PREDICATES, random_boxes, random_sample

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


def jittered(sample, seed, extra=2):
    """Detections: each box twice, moved a little, and a few of nothing."""
    generator = torch.Generator().manual_seed(seed)
    gt = sample.gt_instances
    boxes = gt.bboxes.repeat(2, 1)
    boxes = boxes + torch.randn(boxes.shape, generator=generator) * 2
    boxes = torch.cat([boxes, random_boxes(extra, generator)])
    labels = torch.cat(
        [
            gt.labels.repeat(2),
            torch.randint(NUM_CLASSES, (extra,), generator=generator),
        ]
    )
    wrong = torch.rand(len(labels), generator=generator) < 0.2
    labels = torch.where(wrong, (labels + 1) % NUM_CLASSES, labels)
    return InstanceData(bboxes=boxes, detected_labels=labels)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.integers(0, 6), st.integers(0, 99))
def test_detection_rule(num_boxes, num_relations, seed):
    sample = random_sample(
        num_boxes, num_relations if num_boxes > 1 else 0, seed
    )
    objects = jittered(sample, seed)
    gt = sample.gt_instances
    sampler = DetectionRelationSampler(num=64, num_per_relation=2)
    targets = draw(sampler, objects, sample)

    def shows(i, g):
        iou = box_ious(objects.bboxes[[i]], gt.bboxes[[g]])
        return iou >= 0.5 and objects.detected_labels[i] == gt.labels[g]

    possible = [
        (i, j, p, r)
        for r, (s, o, p) in enumerate(
            zip(
                *sample.gt_relations.pairs.T.tolist(),
                sample.gt_relations.labels.tolist(),
                strict=True,
            )
        )
        for i in range(len(objects))
        for j in range(len(objects))
        if i != j and shows(i, s) and shows(j, o)
    ]
    expected = sum(
        min(2, sum(row[3] == r for row in possible))
        for r in range(len(sample.gt_relations))
    )
    drawn = [
        (*pair, label)
        for pair, label in zip(
            targets.pairs.tolist(), targets.predicates.tolist(), strict=True
        )
    ]
    positives = [row for row in drawn if row[2] < NUM_PREDICATES]
    assert len(positives) == min(expected, 16)
    assert set(positives) <= {row[:3] for row in possible}
    for i, j, label in drawn[len(positives) :]:
        assert label == NUM_PREDICATES
        assert (i, j) not in {row[:2] for row in possible}
        assert targets.labels[i] < NUM_CLASSES
        assert targets.labels[j] < NUM_CLASSES
        assert i != j
        assert box_ious(objects.bboxes[[i]], objects.bboxes[[j]]) > 0
    for i, label in enumerate(targets.labels.tolist()):
        ious = box_ious(objects.bboxes[[i]], gt.bboxes)[0]
        best = int(ious.argmax()) if len(gt) else None
        if best is not None and ious[best] >= 0.5:
            assert label == gt.labels[best]
        else:
            assert label == NUM_CLASSES


def test_better_fitting_detections_are_drawn_more_often():
    torch.manual_seed(0)
    sample = random_sample(2, 1, seed=3)
    boxes = sample.gt_instances.bboxes
    poor = boxes[:1] * 1.0
    poor[:, 2] = poor[:, 0] + (poor[:, 2] - poor[:, 0]) * 0.55
    objects = InstanceData(
        bboxes=torch.cat([boxes, poor]),
        detected_labels=sample.gt_instances.labels[[0, 1, 0]],
    )
    sample.gt_relations.pairs = torch.tensor([[0, 1]])
    sampler = DetectionRelationSampler(num_per_relation=1)
    drawn = torch.cat(
        [draw(sampler, objects, sample).pairs[:1] for _ in range(1000)]
    )
    exact = (drawn[:, 0] == 0).sum()
    fit = float(box_ious(poor, boxes[:1]))
    assert abs(float(exact) / 1000 - 1 / (1 + fit)) < 0.06
    assert 0.5 <= fit < 0.65  # so that an even draw fails
