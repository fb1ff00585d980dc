import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.visualization import Visualizer

from mmsgg.visualization.arrows import draw_arrow, route_arrows

WIDTH, HEIGHT = 300, 200


@st.composite
def boxes_and_pairs(draw):
    number = st.integers(0, 100)
    boxes = []
    for _ in range(draw(st.integers(1, 6))):
        x = sorted(draw(number) * WIDTH / 100 for _ in range(2))
        y = sorted(draw(number) * HEIGHT / 100 for _ in range(2))
        boxes.append(np.array([x[0], y[0], x[1], y[1]]))
    end = st.integers(0, len(boxes) - 1)
    return boxes, draw(st.lists(st.tuples(end, end), max_size=8))


def distance_to_edge(point, box):
    """How far a point is from the four edges of a box, by each in turn."""
    (x, y), (x1, y1, x2, y2) = point, box
    inside_x, inside_y = np.clip(x, x1, x2), np.clip(y, y1, y2)
    feet = [(x1, inside_y), (x2, inside_y), (inside_x, y1), (inside_x, y2)]
    return min(np.hypot(x - a, y - b) for a, b in feet)


@settings(deadline=None, max_examples=40)
@given(boxes_and_pairs())
def test_arrows_go_from_edge_to_edge_inside_the_picture(case):
    boxes, pairs = case
    curves = route_arrows(boxes, pairs, (WIDTH, HEIGHT))
    assert len(curves) == len(pairs)
    for (subject, object_), points in zip(pairs, curves, strict=True):
        assert distance_to_edge(points[0], boxes[subject]) < 1e-6
        assert distance_to_edge(points[-1], boxes[object_]) < 1e-6
        assert points.min() >= -1e-9
        assert (points <= (WIDTH + 1e-9, HEIGHT + 1e-9)).all()


def test_arrows_take_the_facing_edges():
    left, right = np.array([0, 0, 40, 40]), np.array([200, 0, 240, 40])
    [points] = route_arrows([left, right], [(0, 1)])
    assert points[0, 0] == 40
    assert points[-1, 0] == 200


@pytest.mark.parametrize(
    'other',
    [
        [50, 50, 150, 150],  # inside
        [200, 0, 400, 200],  # touching
        [0, 0, 200, 200],  # the same
        [0, 10, 200, 200],  # nearly, with edges in common
    ],
)
def test_arrows_between_boxes_that_meet_have_some_length(other):
    boxes = [np.array([0, 0, 200, 200]), np.array(other)]
    for pair in ((0, 1), (1, 0)):
        [points] = route_arrows(boxes, [pair])
        assert np.linalg.norm(points[-1] - points[0]) > 45


TAGS = {0: (0.0, 0, 60, 19), 1: (150.0, 60, 210, 79)}


def is_on(point, box):
    return distance_to_edge(point, np.array(box, float)) < 1e-6


@pytest.mark.parametrize(
    ('other', 'by_name'),
    [
        ([100, 100, 180, 180], True),  # inside
        ([150, 80, 290, 190], True),  # 36 % of it in the other
        ([150, 80, 330, 190], False),  # 28 %
        ([210, 80, 290, 190], False),  # apart
    ],
)
def test_arrows_of_boxes_that_share_much_run_from_name_to_name(other, by_name):
    boxes = [np.array([0.0, 19, 200, 199]), np.array(other, float)]
    for pair in ((0, 1), (1, 0)):
        ends = route_arrows(boxes, [pair], tags=TAGS)[0][[0, -1]]
        for end, row in zip(ends, pair, strict=True):
            assert is_on(end, TAGS[row]) == by_name
            assert is_on(end, boxes[row]) or by_name
        # where a name had no room, the edges are left
        ends = route_arrows(boxes, [pair], tags={0: TAGS[0]})[0][[0, -1]]
        assert all(map(is_on, ends, (boxes[row] for row in pair)))


def test_arrows_do_not_end_under_a_name():
    boxes = [np.array([0.0, 0, 40, 100]), np.array([200.0, 0, 240, 100])]
    tag = np.array([180.0, 20, 260, 80])
    for tags, hidden in (({}, True), ({7: tag}, False)):
        end = route_arrows(boxes, [(0, 1)], tags=tags)[0][-1]
        assert ((end > tag[:2]) & (end < tag[2:])).all() == hidden


def test_curves_go_around_other_boxes_where_they_are_told_to():
    boxes = [np.array([x, 100.0, x + 60, 130]) for x in (0, 300)]
    middle = np.array([150.0, 60, 210, 170])
    boxes.append(middle)
    for pairs in ([(0, 1)], [(1, 0)], [(0, 1), (1, 0)]):
        for points in route_arrows(boxes, pairs, around=True):
            inside = (points > middle[:2]) & (points < middle[2:])
            assert not inside.all(1).any()
    [points] = route_arrows(boxes, [(0, 1)])
    assert ((points > middle[:2]) & (points < middle[2:])).all(1).any()


def test_there_and_back_do_not_cross():
    boxes = [np.array([0, 50, 40, 90]), np.array([200, 60, 260, 120])]
    there, back = route_arrows(boxes, [(0, 1), (1, 0)])
    # to the right bends up, to the left bends down
    assert (there[:, 1] + 5 < back[::-1, 1]).all()


def test_ends_of_different_arrows_keep_apart_and_one_pair_shares_its_curve():
    boxes = [np.array([0, 0, 100, 100])]
    boxes += [np.array([300, y, 340, y + 20]) for y in (20, 40, 60)]
    first, second, third, again = route_arrows(
        boxes, [(0, 1), (0, 2), (0, 3), (0, 1)]
    )
    np.testing.assert_array_equal(first, again)
    starts = np.stack([first[0], second[0], third[0]])
    gaps = np.linalg.norm(starts[:, None] - starts, axis=-1)
    assert gaps[np.triu_indices(3, 1)].min() > 10


def test_no_relations():
    assert route_arrows([], []) == []
    assert route_arrows([np.zeros(4)], []) == []


@pytest.mark.parametrize('edge', [5.0, 95.0])
def test_curves_stay_in_the_picture(edge):
    boxes = [np.array([edge, y, edge, y]) for y in (5.0, 95.0)]
    for pair in ((0, 1), (1, 0)):
        [points] = route_arrows(boxes, [pair], limits=(100, 100))
        assert points.min() >= 0 and points.max() <= 100
    free = route_arrows(boxes, [(0, 1), (1, 0)])
    assert any(f.min() < 0 or f.max() > 100 for f in free)


def test_curves_bend_to_the_left():
    boxes = [np.array([x, 50.0, x, 50.0]) for x in (0, 100)]
    there, back = route_arrows(boxes, [(0, 1), (1, 0)])
    np.testing.assert_allclose(there[[0, -1]], [[0, 50], [100, 50]])
    assert there[16, 1] < 45 < 55 < back[16, 1]


def test_arrow_without_length_is_a_dot():
    canvas = Visualizer(image=np.zeros((20, 20, 3), np.uint8))
    points = np.full((33, 2), 10.0)
    draw_arrow(canvas.ax_save, points, (200, 0, 0), outline=True)
    image = canvas.get_image()
    assert image[10, 10].tolist() == [200, 0, 0]
    assert not image[:3].any()


def test_the_head_is_at_the_end():
    boxes = [np.array([10.0, 40, 30, 60]), np.array([170.0, 40, 190, 60])]
    for outline in (False, True):
        for pair, end in (((0, 1), 160), ((1, 0), 40)):
            canvas = Visualizer(image=np.full((100, 200, 3), 255, np.uint8))
            [points] = route_arrows(boxes, [pair])
            draw_arrow(canvas.ax_save, points, (200, 0, 0), outline)
            red = (canvas.get_image() == (200, 0, 0)).all(-1).sum(0)
            assert red[end] > red[200 - end] > 0
