import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.evaluation.functional import bbox_overlaps

from mmsgg.structures.bbox import (
    box_ious,
    boxes_overlap,
    intersection_areas,
    union_boxes,
)


def random_boxes(rng, num):
    """Boxes with fractions of pixels, some of them with swapped corners."""
    corners = rng.uniform(0, 40, (num, 2))
    sizes = rng.uniform(-3, 20, (num, 2))
    return np.concatenate([corners, corners + sizes], axis=1)


def slow_iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(0, 5))
def test_ious_equal_plain_loops(seed, n, m):
    rng = np.random.default_rng(seed)
    boxes, others = random_boxes(rng, n), random_boxes(rng, m)
    expected = [[slow_iou(a, b) for b in others] for a in boxes]
    expected = np.array(expected).reshape(n, m)
    np.testing.assert_array_equal(box_ious(boxes, others), expected)
    of_tensors = box_ious(torch.from_numpy(boxes), torch.from_numpy(others))
    assert of_tensors.dtype == torch.float64
    np.testing.assert_array_equal(of_tensors, expected)


@pytest.mark.parametrize('kind', [np.array, torch.tensor])
def test_ious_without_boxes_and_without_area(kind):
    none, three = kind(np.zeros((0, 4))), kind(np.zeros((3, 4)))
    assert box_ious(none, three).shape == (0, 3)
    assert box_ious(three, none).shape == (3, 0)
    swapped = kind([[5.0, 5.0, 1.0, 1.0]])
    assert box_ious(swapped, swapped)[0, 0] == 0
    nothing = kind([[5.0, 5.0, 4.0, 4.0]])
    assert box_ious(nothing, nothing)[0, 0] == 0
    pixel = kind([[5.0, 5.0, 5.0, 5.0]])
    assert box_ious(pixel, pixel)[0, 0] == 1


def test_iou_is_exact_on_the_threshold():
    wide = np.array([[0, 0, 999, 2]], dtype=np.float32)
    half = np.array([[0, 0, 499, 2]], dtype=np.float32)
    assert box_ious(wide, half)[0, 0] == 0.5


def test_tensors_keep_their_type_and_arrays_become_double():
    boxes = np.array([[0, 0, 9, 9]], dtype=np.float32)
    assert box_ious(boxes, boxes).dtype == np.float64
    boxes = torch.from_numpy(boxes)
    assert box_ious(boxes, boxes).dtype == torch.float32


def test_ious_are_those_of_mmdet_but_more_exact():
    rng = np.random.default_rng(0)
    boxes = random_boxes(rng, 40).clip(0)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    of_mmdet = bbox_overlaps(boxes, boxes, use_legacy_coordinate=True)
    ours = box_ious(boxes, boxes)
    np.testing.assert_allclose(ours, of_mmdet, rtol=0, atol=1e-6)
    assert (ours != of_mmdet).any()  # why mmdet's function does not do


@pytest.mark.parametrize('kind', [np.array, torch.tensor])
def test_last_pixel_may_be_left_out(kind):
    boxes, others = kind([[0, 0, 9, 9]]), kind([[9, 0, 12, 4], [0, 0, 2, 3]])
    assert intersection_areas(boxes, others).tolist() == [[5, 12]]
    without = intersection_areas(boxes, others, last_pixel=0)
    assert without.tolist() == [[0, 6]]


@given(st.lists(st.integers(0, 6), min_size=8, max_size=8))
def test_overlap_is_a_shared_pixel_of_a_drawing(numbers):
    x1, w1, y1, h1, x2, w2, y2, h2 = numbers
    first = (x1, y1, x1 + w1 + 1, y1 + h1 + 1)
    second = (x2, y2, x2 + w2 + 1, y2 + h2 + 1)
    canvas = np.zeros((2, 15, 15), dtype=bool)
    for layer, box in zip(canvas, (first, second), strict=True):
        layer[box[1] : box[3], box[0] : box[2]] = True
    ours = boxes_overlap(np.array([first]), np.array([second]))
    assert ours.tolist() == [canvas.all(axis=0).any()]


def test_touching_boxes_do_not_overlap():
    boxes = np.array([[0, 0, 10, 10]] * 3)
    others = np.array([[10, 0, 20, 10], [9, 9, 20, 20], [20, 0, 30, 10]])
    assert boxes_overlap(boxes, others).tolist() == [False, True, False]


def test_union_of_arrays_is_that_of_tensors():
    rng = np.random.default_rng(0)
    for num in (0, 1, 7):
        boxes, others = random_boxes(rng, num), random_boxes(rng, num)
        of_tensors = union_boxes(
            torch.from_numpy(boxes), torch.from_numpy(others)
        )
        np.testing.assert_array_equal(union_boxes(boxes, others), of_tensors)
        np.testing.assert_array_equal(
            of_tensors[:, :2], np.minimum(boxes, others)[:, :2]
        )
        np.testing.assert_array_equal(
            of_tensors[:, 2:], np.maximum(boxes, others)[:, 2:]
        )
