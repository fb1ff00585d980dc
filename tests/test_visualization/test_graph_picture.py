import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.evaluation import graph_to_dict
from mmsgg.visualization import draw_graph, graph_picture
from mmsgg.visualization.colors import HIT, MISS, NEUTRAL, class_color
from mmsgg.visualization.graph_picture import node_positions


def count(pixels, color):
    return int((pixels == color).all(-1).sum())


def make_graph(num_objects, pairs, **fields):
    objects = [
        dict(id=i + 5, label=i, name=f'thing{i}', box=[90 * i, 0, 90 * i, 50])
        for i in range(num_objects)
    ]
    triplets = [
        dict(subject_id=s + 5, object_id=o + 5, label=0, name='on', **fields)
        for s, o in pairs
    ]
    return dict(objects=objects, triplets=triplets)


def test_it_takes_what_graph_to_dict_gives():
    sample = dict(
        pred_instances=dict(
            bboxes=np.array([[0, 0, 9, 9], [5, 5, 9, 9.5], [0, 0, 1, 1]]),
            labels=np.array([1, 0, 2]),
            scores=np.array([0.5, 1, 1]),
        ),
        pred_relations=dict(
            pairs=np.array([[0, 1], [1, 0]]),
            predicate_scores=np.array([[0.2, 0.6], [0.3, 0.1]]),
        ),
    )
    drawn = draw_graph(graph_to_dict(sample))
    assert drawn.shape == (640, 900, 3)
    assert drawn.dtype == np.uint8
    assert count(drawn, class_color(1)) > 300
    assert count(drawn, class_color(0)) > 300
    assert count(drawn, class_color(2)) == 0  # in no relation
    assert count(drawn, NEUTRAL) > 300
    topped = draw_graph(graph_to_dict(sample), topk=1)
    assert 0 < count(topped, NEUTRAL) < count(drawn, NEUTRAL)


def test_colours_of_hits():
    for hit, color in ((True, HIT), (False, MISS), (None, NEUTRAL)):
        drawn = draw_graph(make_graph(2, [(0, 1)], hit=hit))
        for other in (HIT, MISS, NEUTRAL):
            assert (count(drawn, other) > 100) == (other == color)


def texts_of(graph, monkeypatch):
    """The texts in a picture and their rectangles."""
    found = {}
    axes = matplotlib.axes.Axes
    write = axes.text

    def text(self, x, y, s, **kwargs):
        found[s] = (round(x), round(y))
        return write(self, x, y, s, **kwargs)

    monkeypatch.setattr(axes, 'text', text)
    draw_graph(graph)
    return found


def test_predicates_of_a_pair_and_of_the_way_back_are_all_written(monkeypatch):
    names = ('on', 'near', 'above', 'under', 'below')
    pairs = [(0, 1), (0, 1), (0, 1), (1, 0), (1, 0)]
    graph = make_graph(2, pairs)
    for triplet, name in zip(graph['triplets'], names, strict=True):
        triplet.update(name=name, score=0.5)
    graph['triplets'][4].update(name=None, label=7, score=None)
    places = texts_of(graph, monkeypatch)
    wanted = [f'{name} 0.50' for name in names[:4]] + ['7']
    assert set(wanted) < set(places)
    assert {'thing0-5', 'thing1-6'} < set(places)
    assert len({places[text] for text in wanted}) == 5
    there = np.mean([places[text][1] for text in wanted[:3]])
    back = np.mean([places[text][1] for text in wanted[3:]])
    assert there + 20 < back  # to the right is above, to the left below


@pytest.mark.parametrize('num_objects', [0, 1, 3])
def test_without_triplets(num_objects, monkeypatch):
    [text] = texts_of(make_graph(num_objects, []), monkeypatch)
    assert text.startswith('0 objects, 0 relations')
    assert ('; ' in text) == (num_objects > 0)


def test_object_that_relates_to_itself():
    drawn = draw_graph(make_graph(1, [(0, 0)]))
    assert count(drawn, NEUTRAL) > 100


def test_many_nodes_get_a_larger_picture():
    pairs = [(i, (7 * i + 3) % 60) for i in range(60)]
    drawn = draw_graph(make_graph(60, pairs), topk=60)
    assert drawn.shape[0] > 1200
    np.testing.assert_array_equal(
        drawn, draw_graph(make_graph(60, pairs), topk=60)
    )


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_nodes_do_not_overlap_nor_leave_the_canvas(data):
    number = st.integers(0, 9)
    points = st.lists(st.tuples(number, number), min_size=1, max_size=9)
    centres = data.draw(points)
    end = st.integers(0, len(centres) - 1)
    pairs = data.draw(st.lists(st.tuples(end, end), max_size=9))
    sizes = np.tile([80.0, 24.0], (len(centres), 1))
    sizes[::2, 0] = 130
    least = np.array([900, 640])
    points, canvas = node_positions(np.array(centres), pairs, sizes, least)
    assert (canvas >= least).all() and (canvas <= 1.5 * least).all()
    assert (points - sizes / 2 >= 0).all()
    assert (points + sizes / 2 <= canvas).all()
    gaps = abs(points[:, None] - points) - (sizes[:, None] + sizes) / 2
    separate = (gaps > 0).any(-1)
    assert separate[~np.eye(len(points), dtype=bool)].all()


@pytest.mark.parametrize('pairs', [[], [(0, 1), (1, 2)]])
def test_nodes_keep_the_order_of_the_boxes_where_they_have_room(pairs):
    centres = np.array([[10.0, 80], [50, 10], [90, 50]])
    sizes, canvas = np.full((3, 2), 40.0), np.array([900, 640])
    points, _ = node_positions(centres, pairs, sizes, canvas)
    for axis in (0, 1):
        np.testing.assert_array_equal(
            points[:, axis].argsort(), centres[:, axis].argsort()
        )


@pytest.mark.parametrize('num_nodes', [30, 60])
def test_many_nodes_find_room(num_nodes):
    rng = np.random.default_rng(0)
    sizes = np.tile([110.0, 30.0], (num_nodes, 1))
    star = [(0, i) for i in range(1, num_nodes)]
    chain = [(i, i + 1) for i in range(num_nodes - 1)]
    wild = [tuple(pair) for pair in rng.integers(num_nodes, size=(60, 2))]
    for pairs in (star, chain, wild, []):
        points, _ = node_positions(
            np.zeros((num_nodes, 2)), pairs, sizes, np.array([1300, 900])
        )
        gaps = abs(points[:, None] - points) - sizes
        assert (gaps > 0).any(-1).sum() == num_nodes * (num_nodes - 1)


def drawn_parts(graph, monkeypatch):
    """The curves of the arrows, the labels on them, and the nodes."""
    curves, labels = [], []
    arrow, label = graph_picture.draw_arrow, graph_picture.draw_label

    def draw_arrow(axes, points, color):
        curves.append(points)
        arrow(axes, points, color)

    def draw_label(axes, item):
        labels.append(item)
        label(axes, item)

    monkeypatch.setattr(graph_picture, 'draw_arrow', draw_arrow)
    monkeypatch.setattr(graph_picture, 'draw_label', draw_label)
    draw_graph(graph)
    return curves, labels[: len(curves)], labels[len(curves) :]


def are_inside(points, box):
    return ((points > box[:2]) & (points < box[2:])).all(1).any()


def test_arrows_pass_behind_no_other_node(monkeypatch):
    column = np.array([[450.0, 80], [450, 220], [450, 360]])
    monkeypatch.setattr(
        graph_picture,
        'node_positions',
        lambda *_: (column, np.array([900, 440])),
    )
    graph = make_graph(3, [(0, 2), (2, 0), (0, 1)])
    curves, _, nodes = drawn_parts(graph, monkeypatch)
    assert not any(are_inside(curve, nodes[1].box) for curve in curves[:2])


def test_labels_lie_on_no_other_arrow(monkeypatch):
    pairs = np.random.default_rng(6).integers(9, size=(14, 2))
    pairs = dict.fromkeys((s, o) for s, o in pairs.tolist() if s != o)
    graph = make_graph(9, pairs)
    curves, labels, _ = drawn_parts(graph, monkeypatch)
    for label, own in zip(labels, curves, strict=True):
        assert not any(
            are_inside(curve, label.box)
            for curve in curves
            if curve is not own
        )
