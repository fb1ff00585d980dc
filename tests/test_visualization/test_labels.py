from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.visualization import Visualizer

from mmsgg.visualization.arrows import route_arrows
from mmsgg.visualization.labels import (
    Label,
    LabelPlacer,
    arrow_ends,
    draw_label,
    label_arrow,
    label_graph,
    other_curves,
    tag_related,
    text_size,
)

NAMES = ('hat', 'person', 'traffic light', 'a very long name of a thing')
PREDICATES = ('on', 'to the left of the back of')


def make_graph(boxes, pairs):
    objects = [
        dict(id=i, label=i, name=NAMES[i % len(NAMES)], box=box)
        for i, box in enumerate(boxes)
    ]
    triplets = [
        dict(subject_id=s, object_id=o, name=PREDICATES[i % len(PREDICATES)])
        for i, (s, o) in enumerate(pairs)
    ]
    return dict(objects=objects, triplets=triplets)


def label_all(graph, boxes, curves, bounds, *args):
    placer = LabelPlacer(bounds, arrow_ends(curves))
    tags = tag_related(graph, boxes, placer)
    return label_graph(graph, boxes, curves, bounds, tags, *args)


def labels_of(boxes, pairs, size, max_named_arrows=10):
    curves = route_arrows(boxes, pairs, size)
    graph = make_graph(boxes, pairs)
    return label_all(graph, boxes, curves, (0, 0, *size), max_named_arrows)


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


@settings(deadline=None, max_examples=15)
@given(cases())
def test_labels_never_overlap_nor_leave_the_picture(case):
    boxes, pairs, (width, height) = case
    places = [label.box for label in labels_of(boxes, pairs, (width, height))]
    for x1, y1, x2, y2 in places:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    for a, b in combinations(places, 2):
        overlap_x = min(a[2], b[2]) - max(a[0], b[0])
        overlap_y = min(a[3], b[3]) - max(a[1], b[1])
        assert min(overlap_x, overlap_y) <= 0


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_all_are_named_where_there_is_room(seed):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.random((10, 2, 2)), axis=1) * (760, 570)
    boxes, pairs = list(corners.reshape(-1, 4)), [(i, 9 - i) for i in range(9)]
    labels = labels_of(boxes, pairs, (760, 570))
    texts = [label.text for label in labels]
    assert texts[:10] == [f'{NAMES[i % 4]}-{i}' for i in range(10)]
    assert [text.split()[0] for text in texts[10:]] == list('123456789')


def test_labels_in_a_crowd_move_away_on_a_line():
    boxes = [np.array([300.0, 200, 340, 220])] * 20
    labels = labels_of(boxes, [], (760, 500))
    assert len(labels) == 20
    apart = [label for label in labels if label.line is not None]
    assert 0 < len(apart) < 20
    for label in apart:
        start, end = label.line
        assert (start == start.clip(label.box[:2], label.box[2:])).all()
        assert (end == end.clip(boxes[0][:2], boxes[0][2:])).all()


def test_where_there_is_no_room_numbers_stand_and_then_nothing():
    box = np.array([0.0, 0, 60, 20])
    [label] = labels_of([box], [], (60, 20))
    assert label.text == 'hat-0'
    labels = labels_of([box] * 9, [(2, 2)], (60, 20))  # 'traffic light-2'
    assert [label.text for label in labels] == ['2', '1', '0']
    assert labels_of([box], [], (10, 20)) == []


def test_predicted_objects_have_their_scores():
    boxes = [np.array([50.0, 50, 90, 90]), np.array([300.0, 50, 340, 90])]
    graph = make_graph(boxes, [(0, 1)])
    graph['objects'][0]['score'] = 0.876
    graph['objects'][1]['score'] = None
    curves = route_arrows(boxes, [(0, 1)])
    labels = label_all(graph, boxes, curves, (0, 0, 400, 200))
    assert [label.text for label in labels[:2]] == ['hat-0 0.88', 'person-1']
    # where the score has no room at the box, the name does without it
    bounds = (0, 0, text_size('hat-0')[0] + 4, 200)
    [label] = label_all(make_graph(boxes[:1], []), boxes[:1], [], bounds)
    assert label.text == 'hat-0'


def test_labels_stand_where_the_names_were_that_arrows_start_at():
    boxes = [np.array([50.0, 50, 290, 190]), np.array([60.0, 60, 100, 90])]
    graph, bounds = make_graph(boxes, [(0, 1)]), (0, 0, 400, 200)
    tags = tag_related(graph, boxes, LabelPlacer(bounds), size=9)
    places = {row: tag.box for row, tag in tags.items()}
    curves = route_arrows(boxes, [(0, 1)], tags=places)
    labels = label_graph(graph, boxes, curves, bounds, tags, size=9)
    assert [label.box for label in labels[:2]] == list(places.values())
    assert [label.text for label in labels] == ['hat-0', 'person-1', '1 on']
    for label in labels:  # of the size that was asked for
        assert label.size == 9
        assert label.box[3] - label.box[1] == text_size('', 9)[1] < 19


def test_labels_lie_on_no_other_arrow():
    # two arrows that cross in the middle of both
    way, middle = np.linspace(50, 350, 33), np.full(33, 200.0)
    own, other = curves = [
        np.stack([way, middle], axis=1),
        np.stack([middle, way], axis=1),
    ]
    for others, free in ((), False), (other_curves(curves)[0], True):
        placer = LabelPlacer((0, 0, 400, 400))
        label = label_arrow(placer, ['near'], own, (0, 0, 0), others)
        low, high = label.box[:2], label.box[2:]
        assert not ((other > low) & (other < high)).all(1).any() == free
    shared = [own, own, other]
    assert [len(boxes) for boxes in other_curves(shared)] == [33, 33, 66]


def test_arrows_carry_predicates_only_while_they_are_few():
    boxes = [np.array([0.0, 0, 50, 50]), np.array([500.0, 300, 560, 360])]
    pairs = [(0, 1), (1, 0)]
    labels = labels_of(boxes, pairs, (760, 500), max_named_arrows=2)
    assert [label.text for label in labels[2:]] == [
        '1 on',
        f'2 {PREDICATES[1]}',
    ]
    labels = labels_of(boxes, pairs, (760, 500), max_named_arrows=1)
    assert [label.text for label in labels[2:]] == ['1', '2']


def test_labels_of_short_arrows_stand_beside_them():
    boxes = [np.array([50.0, 50, 90, 90]), np.array([190.0, 50, 230, 90])]
    [points] = route_arrows(boxes, [(0, 1)])

    def hidden(label):
        inside = (points >= label.box[:2]) & (points <= label.box[2:])
        return inside.all(1).mean()

    labels = [
        label_arrow(LabelPlacer((0, 0, 300, 200)), [text], points, (0, 0, 0))
        for text in ('1 on', '2 to the left of')
    ]
    assert 0.2 < hidden(labels[0]) < 0.6
    assert hidden(labels[1]) == 0
    assert labels[1].line is None  # it touches the arrow


def test_placer_prefers_the_first_place_and_what_is_to_be_kept_free():
    placer = LabelPlacer((0, 0, 100, 100), avoided=[(0, 0, 40, 20)])
    assert placer.place((30, 10), [(5, 5), (50, 50), (60, 60)])[:2] == (50, 50)
    assert placer.place((30, 10), [(5, 5)])[:2] == (5, 5)  # none other is left
    assert placer.place((30, 10), [(90, 95)])[:2] == (70, 90)  # moved inside


def test_placer_nearest_to_a_point():
    placer = LabelPlacer((0, 0, 96, 96))
    first = placer.place_near((12, 12), np.array([54.0, 54]))
    assert first == (48, 48, 60, 60)
    second = placer.place_near((12, 12), np.array([54.0, 54]))
    assert abs(np.subtract(second, first)).max() == 12
    while placer.place_near((12, 12), np.array([54.0, 54])):
        pass
    assert len(placer.taken) == 64  # no place is lost on the grid


def test_labels_fill_their_box():
    canvas = Visualizer(image=np.zeros((40, 120, 3), np.uint8))
    canvas.fig_save.set_dpi(72)  # a point is a pixel
    canvas.dpi = 72
    canvas.set_image(np.zeros((40, 120, 3), np.uint8))
    width, height = text_size('a horse', 13)
    box = 10, 5, 10 + width, 5 + height
    draw_label(canvas.ax_save, Label(box, 'a horse', (9, 99, 9), (9, 99, 9)))
    rows, columns = np.nonzero(canvas.get_image().any(-1))
    assert (columns.min(), rows.min()) == (10, 5)
    assert (columns.max(), rows.max()) == (10 + width - 1, 5 + height - 1)
