"""Anchors and box coding where a width is x2 - x1 + 1."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmsgg.models.task_modules import (
    InclusiveAnchorGenerator,
    InclusiveDeltaXYWHBBoxCoder,
)

from ..test_tools.test_model_converters.slow_motifs_detector import regress

CODER = InclusiveDeltaXYWHBBoxCoder()
coordinate = st.floats(-50, 500, width=32)
side = st.floats(0, 300, width=32)
box = st.builds(
    lambda x, y, w, h: [x, y, x + w, y + h], coordinate, coordinate, side, side
)


def test_the_classical_anchors():
    """Those that the comment of py-faster-rcnn lists, but not rounded."""
    generator = InclusiveAnchorGenerator(
        strides=[16], ratios=[1.0], scales=[8, 16, 32], center_offset=0.5
    )
    assert generator.base_anchors[0].tolist() == [
        [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263]
    ]  # fmt: skip
    assert generator.num_base_priors == [3]


@pytest.mark.parametrize('round_base', [False, True])
def test_anchors_about_a_given_centre(round_base):
    generator = InclusiveAnchorGenerator(
        strides=[16], ratios=[1.0], scales=[2], centers=[(4.0, 0.0)],
        round_base=round_base,
    )  # fmt: skip
    assert generator.base_anchors[0].tolist() == [[-12, -16, 19, 15]]


def test_anchors_are_not_rounded():
    generator = InclusiveAnchorGenerator(
        strides=[16], ratios=[2.0], scales=[1.5], center_offset=0.5
    )
    width = 24 / math.sqrt(2)
    expected = [8 - width / 2, 8 - width, 7 + width / 2, 7 + width]
    torch.testing.assert_close(
        generator.base_anchors[0], torch.tensor([expected])
    )


@given(box, box)
def test_what_was_encoded_is_decoded(one, other):
    boxes, targets = torch.tensor([one]), torch.tensor([other])
    decoded = CODER.decode(boxes, CODER.encode(boxes, targets))
    torch.testing.assert_close(decoded, targets, atol=5e-3, rtol=1e-4)


@given(box, st.lists(st.floats(-9, 9, width=32), min_size=8, max_size=8))
def test_two_classes_at_once_against_the_slow_way(one, deltas):
    boxes, deltas = torch.tensor([one]), torch.tensor([deltas])
    decoded = CODER.decode(boxes, deltas, max_shape=(300, 400))
    assert decoded.shape == (1, 8)
    expected = [
        regress(one, deltas[0, k : k + 4].tolist(), 300, 400) for k in (0, 4)
    ]
    torch.testing.assert_close(
        decoded.reshape(2, 4),
        torch.tensor(expected).float(),
        atol=1e-1,
        rtol=0,
    )


def test_one_pixel_may_grow_without_bound():
    pixel = torch.tensor([[5.0, 5.0, 5.0, 5.0]])
    deltas = torch.tensor([[0.0, 0.0, math.log(200), 100.0]])
    decoded = CODER.decode(pixel, deltas)
    assert decoded.isfinite().all()
    assert decoded[0, [0, 2]].tolist() == pytest.approx([-94.5, 104.5])
    clipped = CODER.decode(pixel, deltas, max_shape=(20, 30))
    assert clipped.tolist() == [[0, 0, 29, 19]]


def test_anchors_rounded_at_the_stride():
    generator = InclusiveAnchorGenerator(
        strides=[8],
        ratios=[0.55],
        scales=[2, 4],
        center_offset=0.5,
        round_base=True,
    )
    width = round(8 / math.sqrt(0.55))
    height = round(width * 0.55)
    assert (width, height) == (11, 6)
    assert generator.base_anchors[0].tolist() == [
        [4 - k * width, 4 - k * height, 3 + k * width, 3 + k * height]
        for k in (1, 2)
    ]


def test_a_bound_on_growth_bounds_no_shrinking():
    coder = InclusiveDeltaXYWHBBoxCoder(
        target_means=[0.0, 0.0, 0.5, 0.0],
        target_stds=[0.1, 0.1, 0.2, 0.2],
        max_growth=10.0,
    )
    box = torch.tensor([[0.0, 0.0, 99.0, 99.0]])
    deltas = torch.tensor([[3.0, 0.0, 50.0, -50.0, 0.0, 0.0, -2.5, 50.0]])
    first, second = coder.decode(box, deltas).reshape(2, 4)
    sides = [first[2:] - first[:2] + 1, second[2:] - second[:2] + 1]
    shrunk = 100 * math.exp(-10)
    assert sides[0].tolist() == pytest.approx([1000, shrunk], abs=1e-4)
    assert sides[1].tolist() == pytest.approx([100, 1000])
    assert float(first[[0, 2]].mean() + 0.5) == pytest.approx(50 + 30)
    assert coder.decode(box[:0], deltas[:0]).shape == (0, 8)


def test_no_boxes():
    nothing = torch.zeros(0, 4)
    assert CODER.encode(nothing, nothing).shape == (0, 4)
    assert CODER.decode(nothing, torch.zeros(0, 4)).shape == (0, 4)
    assert CODER.decode(nothing, torch.zeros(0, 12)).shape == (0, 12)
