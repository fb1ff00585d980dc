from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.visualization.arrow_routes import route_arrows
from mmsgg.visualization.scene import Scene, SceneObject, SceneRelation
from mmsgg.visualization.tag_layout import TagRoom, arrow_tag, lay_out_tags

NAMES = ('hat', 'person', 'traffic light', 'a very long name of a thing')
PREDICATES = ('on', 'to the left of the back of')


def make_scene(boxes, pairs):
    related = {end for pair in pairs for end in pair}
    objects = [
        SceneObject(box, i, NAMES[i % len(NAMES)], i, i in related)
        for i, box in enumerate(boxes)
    ]
    relations = [
        SceneRelation(s, o, PREDICATES[i % len(PREDICATES)])
        for i, (s, o) in enumerate(pairs)
    ]
    return Scene('', objects, relations)


def tags_of(boxes, pairs, size, max_named_arrows=10):
    curves = route_arrows(boxes, pairs, size)
    scene = make_scene(boxes, pairs)
    return lay_out_tags(scene, boxes, curves, (0, 0, *size), max_named_arrows)


@st.composite
def cases(draw):
    width, height = draw(st.sampled_from([(760, 500), (160, 900), (90, 40)]))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count = draw(st.integers(1, 40))
    spread = draw(st.sampled_from([0.05, 1.0]))  # a crowd, or all over
    corners = 0.5 + spread * (rng.random((count, 2, 2)) - 0.5)
    corners = np.sort(corners * (width, height), axis=1)
    pairs = rng.integers(count, size=(draw(st.integers(0, 40)), 2))
    pairs = [(int(s), int(o)) for s, o in pairs]
    return list(corners.reshape(-1, 4)), pairs, (width, height)


@settings(deadline=None, max_examples=40)
@given(cases())
def test_tags_never_overlap_nor_leave_the_picture(case):
    boxes, pairs, (width, height) = case
    places = [tag.place for tag in tags_of(boxes, pairs, (width, height))]
    for x1, y1, x2, y2 in places:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    for a, b in combinations(places, 2):
        overlap_x = min(a[2], b[2]) - max(a[0], b[0])
        overlap_y = min(a[3], b[3]) - max(a[1], b[1])
        assert min(overlap_x, overlap_y) <= 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_all_are_named_where_there_is_room(seed):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.random((10, 2, 2)), axis=1) * (760, 570)
    boxes, pairs = list(corners.reshape(-1, 4)), [(i, 9 - i) for i in range(9)]
    tags = tags_of(boxes, pairs, (760, 570))
    texts = [tag.text for tag in tags]
    assert texts[:10] == [f'{NAMES[i % 4]}-{i}' for i in range(10)]
    assert [text.split()[0] for text in texts[10:]] == list('123456789')


def test_tags_in_a_crowd_move_away_on_a_line():
    boxes = [np.array([300.0, 200, 340, 220])] * 20
    tags = tags_of(boxes, [], (760, 500))
    assert len(tags) == 20
    apart = [tag for tag in tags if tag.line is not None]
    assert 0 < len(apart) < 20
    for tag in apart:
        start, end = tag.line
        assert (start == start.clip(tag.place[:2], tag.place[2:])).all()
        assert (end == end.clip(boxes[0][:2], boxes[0][2:])).all()


def test_where_there_is_no_room_numbers_stand_and_then_nothing():
    box = np.array([0.0, 0, 60, 20])
    [tag] = tags_of([box], [], (60, 20))
    assert tag.text == 'hat-0'
    tags = tags_of([box] * 9, [(2, 2)], (60, 20))  # 'traffic light-2'
    assert [tag.text for tag in tags] == ['2', '1', '0']
    assert tags_of([box], [], (10, 20)) == []


def test_arrows_carry_predicates_only_while_they_are_few():
    boxes = [np.array([0.0, 0, 50, 50]), np.array([500.0, 300, 560, 360])]
    pairs = [(0, 1), (1, 0)]
    tags = tags_of(boxes, pairs, (760, 500), max_named_arrows=2)
    assert [tag.text for tag in tags[2:]] == ['1 on', f'2 {PREDICATES[1]}']
    tags = tags_of(boxes, pairs, (760, 500), max_named_arrows=1)
    assert [tag.text for tag in tags[2:]] == ['1', '2']


def test_tags_of_short_arrows_stand_beside_them():
    boxes = [np.array([50.0, 50, 90, 90]), np.array([190.0, 50, 230, 90])]
    [points] = route_arrows(boxes, [(0, 1)])

    def hidden(tag):
        inside = (points >= tag.place[:2]) & (points <= tag.place[2:])
        return inside.all(1).mean()

    tags = [
        arrow_tag(TagRoom((0, 0, 300, 200)), [text], points, (0, 0, 0))
        for text in ('1 on', '2 to the left of')
    ]
    assert 0.2 < hidden(tags[0]) < 0.6
    assert hidden(tags[1]) == 0
    assert tags[1].line is None  # it touches the arrow


def test_room_prefers_the_first_place_and_what_is_to_be_kept_free():
    room = TagRoom((0, 0, 100, 100), avoided=[(0, 0, 40, 20)])
    assert room.take((30, 10), [(5, 5), (50, 50), (60, 60)])[:2] == (50, 50)
    assert room.take((30, 10), [(5, 5)])[:2] == (5, 5)  # none other is left
    assert room.take((30, 10), [(90, 95)])[:2] == (70, 90)  # moved inside


def test_room_nearest_to_a_point():
    room = TagRoom((0, 0, 96, 96))
    first = room.take_near((12, 12), np.array([54.0, 54]))
    assert first == (48, 48, 60, 60)
    second = room.take_near((12, 12), np.array([54.0, 54]))
    assert abs(np.subtract(second, first)).max() == 12
    while room.take_near((12, 12), np.array([54.0, 54])):
        pass
    assert len(room.taken) == 64  # no place is lost on the grid
