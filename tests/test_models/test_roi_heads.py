import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.ops import nms

from mmsgg.models.relation_heads.late_nms import late_nms
from mmsgg.models.roi_heads import as_logits, select_detections
from mmsgg.models.roi_heads.crop_resize_roi_extractor import CropResize
from mmsgg.models.roi_heads.union_roi_extractor import (
    draw_rectangles,
)
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import box_ious, union_boxes

from .samples import feature_map


def slow_bilinear(fmap, x, y):
    """Interpolate one (C, H, W) map at one point, zero outside."""
    value = np.zeros(len(fmap))
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            inside = 0 <= row < fmap.shape[1] and 0 <= column < fmap.shape[2]
            if inside:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                value += weight * fmap[:, row, column].numpy()
    return value


def test_crop_resize_samples_from_corner_to_corner():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 9)
    rois = torch.tensor(
        [
            [1, 8.0, 4.0, 100.0, 70.0],
            [0, -9.0, 3.0, 40.0, 40.0],
            [1, 60.0, 60.0, 200.0, 90.0],
        ]
    )
    out = CropResize(output_size=4, spatial_scale=1 / 16)(x, rois)
    for n, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        for i, py in enumerate(np.linspace(y1 / 16, y2 / 16, 4)):
            for j, px in enumerate(np.linspace(x1 / 16, x2 / 16, 4)):
                expected = slow_bilinear(x[int(image)], px, py)
                np.testing.assert_allclose(
                    out[n, :, i, j], expected, atol=1e-5
                )


def test_crop_resize_of_no_boxes():
    out = CropResize(7, 1 / 16)(torch.rand(1, 3, 4, 4), torch.zeros(0, 5))
    assert out.shape == (0, 3, 7, 7)


def test_union_boxes_and_their_drawing():
    subjects = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    objects = torch.tensor([[2.0, 3.0, 8.0, 8.0]])
    frames = union_boxes(subjects, objects)
    assert frames.tolist() == [[0, 0, 8, 8]]
    size = 5
    drawing = draw_rectangles(objects, frames, size)[0]
    fine = 400  # cells of the slow drawing along one side of one cell
    grid = (np.arange(size * fine) + 0.5) * 8 / (size * fine)
    inside = np.outer((grid > 3) & (grid < 8), (grid > 2) & (grid < 8))
    covered = inside.reshape(size, fine, size, fine).mean(axis=(1, 3))
    np.testing.assert_allclose(drawing, covered, atol=5e-3)


@pytest.mark.parametrize('draw_boxes', [False, True])
def test_union_extractor_pools_the_union_of_its_own_image(draw_boxes):
    torch.manual_seed(0)
    roi_extractor = dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
        out_channels=8,
        featmap_strides=[8],
    )
    extractor = MODELS.build(
        dict(
            type='UnionRoIExtractor',
            roi_extractor=roi_extractor,
            draw_boxes=draw_boxes,
        )
    ).eval()
    x = feature_map(3)
    boxes = torch.tensor(
        [[0.0, 0.0, 20.0, 20.0], [30.0, 10.0, 60.0, 50.0], [5, 5, 9, 9]]
    )
    none = torch.zeros(0, 2, dtype=torch.long)
    pairs = [torch.tensor([[0, 1], [1, 2]]), none, torch.tensor([[2, 0]])]
    with torch.no_grad():
        out = extractor(x, [boxes, boxes[:0], boxes], pairs)
        assert out.shape == (3, 8, 7, 7)
        last = extractor((x[0][2:],), [boxes], [pairs[2]])
        torch.testing.assert_close(out[2:], last)
        if not draw_boxes:
            roi = torch.tensor([[0, 0.0, 0.0, 60.0, 50.0]])
            expected = extractor.roi_extractor(x, roi)
            torch.testing.assert_close(out[:1], expected)
        assert extractor(x, [boxes[:0]] * 3, [none] * 3).shape == (0, 8, 7, 7)


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
        scores, boxes, 0.1, dict(type='nms', iou_threshold=0.3), 5
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
    out = select_detections(scores, boxes, 0.1)
    assert out.bboxes.tolist() == [one, other]
    assert out.class_bboxes.tolist() == boxes.tolist()
    torch.testing.assert_close(out.logits.softmax(dim=1), scores)


def test_a_class_at_the_score_threshold_is_dropped():
    scores = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.125, 0.625]])
    boxes = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9]])
    boxes = boxes[:, None].expand(-1, 2, 4)
    assert len(select_detections(scores, boxes, 0.25)) == 1
    assert len(select_detections(scores, boxes, 0.24)) == 2


def test_as_logits_stands_zero_probabilities():
    scores = torch.tensor([[0.0, 0.25, 0.75]])
    logits = as_logits(scores)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits.softmax(dim=1), scores)


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
