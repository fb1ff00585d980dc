"""What the detectors find, as objects of a relation head."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.ops import nms
from mmengine.structures import InstanceData

from mmsgg.models.object_sources.object_source import finest_first
from mmsgg.models.object_sources.two_stage import (
    TwoStageObjects,
    log_probabilities,
    select_detections,
)
from mmsgg.structures import SGDataSample


def slow_selection(scores, boxes, score_thr, iou_thr, max_per_img):
    """NMS class by class, then the best class of each box that is left."""
    best = {}
    for label in range(boxes.shape[1]):
        rows = [i for i in range(len(boxes)) if scores[i, label] > score_thr]
        if not rows:
            continue
        _, kept = nms(boxes[rows, label], scores[rows, label], iou_thr)
        for i in kept.tolist():
            score = float(scores[rows[i], label])
            if score > best.get(rows[i], (0, 0))[0]:
                best[rows[i]] = (score, label)
    order = sorted(best, key=lambda row: -best[row][0])[:max_per_img]
    return [(row, best[row][1]) for row in order]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 12), st.integers(0, 10_000))
def test_select_detections_against_loops(num, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(num, 4, generator=generator).mul(2).softmax(dim=1)
    corners = torch.rand(num, 3, 2, generator=generator) * 20
    sizes = torch.rand(num, 3, 2, generator=generator) * 20 + 1
    boxes = torch.cat([corners, corners + sizes], dim=2)
    out = select_detections(
        scores,
        boxes,
        score_thr=0.1,
        nms=dict(type='nms', iou_threshold=0.3),
        max_per_img=5,
    )
    expected = slow_selection(scores, boxes, 0.1, 0.3, 5)
    rows = [row for row, _ in expected]
    torch.testing.assert_close(out.logits.softmax(dim=1), scores[rows])
    torch.testing.assert_close(out.class_bboxes, boxes[rows])
    picked = [boxes[row, label].tolist() for row, label in expected]
    assert out.bboxes.tolist() == picked


def test_a_box_lies_where_the_class_that_survived_has_it():
    """The likeliest class of the second box is taken by the first."""
    scores = torch.tensor([[0.75, 0.0, 0.25], [0.5, 0.375, 0.125]])
    one, other = [0.0, 0, 9, 9], [30.0, 0, 39, 9]
    boxes = torch.tensor([[one, one], [one, other]])
    out = select_detections(scores, boxes, score_thr=0.1)
    assert out.bboxes.tolist() == [one, other]
    assert out.class_bboxes.tolist() == boxes.tolist()
    torch.testing.assert_close(out.logits.softmax(dim=1), scores)


def test_objects_in_the_order_of_their_proposals():
    scores = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.3, 0.7], [0.8, 0.2]])
    boxes = torch.tensor([[[9.0 * i, 0, 9 * i + 5, 5]] for i in range(4)])
    options = dict(max_per_img=3, proposal_order=True)
    out = select_detections(scores, boxes, **options)
    assert out.bboxes.tolist() == boxes[[0, 1, 3], 0].tolist()
    # of what NMS leaves of a class, its first two boxes
    out = select_detections(scores, boxes, **options, max_per_class=2)
    assert out.bboxes.tolist() == boxes[[0, 1], 0].tolist()
    out = select_detections(scores[:0], boxes[:0], **options, max_per_class=2)
    assert len(out) == 0


def test_a_class_at_the_score_threshold_is_dropped():
    scores = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.125, 0.625]])
    boxes = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9]])
    boxes = boxes[:, None].expand(-1, 2, 4)
    assert len(select_detections(scores, boxes, score_thr=0.25)) == 1
    assert len(select_detections(scores, boxes, score_thr=0.24)) == 2


def test_the_finest_map_has_the_most_cells():
    """Also where several are a cell wide, as of a narrow image."""
    maps = [torch.zeros(1, 1, h, w) for h, w in ((1, 1), (2, 1), (4, 2))]
    for order in (maps, maps[::-1]):
        found = finest_first(tuple(order))
        assert [level.shape[2] for level in found] == [4, 2, 1]


def test_log_probabilities_stand_zero_probabilities():
    scores = torch.tensor([[0.0, 0.25, 0.75]])
    logits = log_probabilities(scores)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits.softmax(dim=1), scores)


@pytest.mark.parametrize('relate_proposals', [False, True])
@pytest.mark.parametrize('num_boxes', [1, 2])
def test_objects_lie_in_proposals_or_in_what_is_regressed_of_them(
    num_boxes, relate_proposals
):
    """Of a head with a box for each of two classes, or one for both."""
    proposals = torch.tensor([[0.0, 0, 9, 9], [30, 0, 39, 9]])
    result = InstanceData(
        scores=torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25]]),
        bboxes=torch.cat(
            [proposals + shift for shift in (1, 2)[:num_boxes]], dim=1
        ),
    )
    detector = SimpleNamespace(
        roi_head=SimpleNamespace(predict_bbox=lambda *_: [result])
    )
    sample = SGDataSample(proposals=InstanceData(bboxes=proposals))
    source = TwoStageObjects(detector, 2, relate_proposals)
    [objects] = source.objects((), [sample], None)
    regressed = result.bboxes.reshape(2, num_boxes, 4).expand(2, 2, 4)
    assert torch.equal(objects.class_bboxes, regressed[[1, 0]])
    expected = regressed[[1, 0], [1, 0]]
    if relate_proposals:
        expected = proposals[[1, 0]]
    assert torch.equal(objects.bboxes, expected)
