"""What is shown of a graph, without a browser."""

import networkx as nx
import pytest

from fake_inferencer import CLASSES, fake_graph
from mmsgg.evaluation import read_scene_graphs
from mmsgg.visualization.colors import class_color, color_classes, hex_color
from web_page.graph_callbacks import GraphCallbacks
from web_page.graph_view import graph_elements

BOXES = '5, 5, 50, 60, dog\n40, 30, 110, 80, traffic light'
SOURCE = dict(name='a.png', example=False, size=[120, 90])
GRAPH = fake_graph(
    [[0, 0, 9, 9], [20, 20, 60, 60], [50, 5, 90, 50]], [1, 2, 1]
)


def test_show_graph():
    show = GraphCallbacks(CLASSES).show_graph
    elements, options, chosen, summary, disabled, empty, _ = show(
        GRAPH, 0.5, 20, 'sgdet'
    )
    data = [item['data'] for item in elements]
    assert [item['label'] for item in data] == [
        *('dog-0', 'traffic light', 'dog-2'),
        *('beside', 'on'),
    ]
    ends = [(item.get('source'), item.get('target')) for item in data[3:]]
    assert ends == [('o0', 'o1'), ('o1', 'o2')]
    assert [option['value'] for option in options] == [0, 1]
    assert (chosen, disabled, empty) == (None, False, '')
    assert summary == '3 objects, 2 of 3 relations'


def test_it_is_told_how_to_see_relations():
    show = GraphCallbacks(CLASSES).show_graph
    *_, summary, _, _, _ = show(GRAPH, 0.95, 20, 'sgdet')
    assert summary == '3 objects, 0 of 3 relations: lower the least score'
    *_, summary, _, _, _ = show(dict(GRAPH, triplets=[]), 0.95, 20, 'sgdet')
    assert summary == '3 objects, 0 of 0 relations'


def test_classes_of_a_graph_have_colours_of_their_own():
    # class 8 looks like class 0, which the least score leaves out
    graph = fake_graph([[0, 0, 9, 9]] * 2, [0, 1])
    for item, label, score in zip(
        graph['objects'], (0, 8), (0.2, 0.9), strict=True
    ):
        item.update(label=label, score=score)
    graph['triplets'] = []
    elements, *_ = GraphCallbacks(CLASSES).show_graph(graph, 0.5, 20, 'sgdet')
    [node] = elements
    patch, _ = show_boxes(graph)
    [shape] = marks(patch)[0]
    expected = color_classes([0, 8])[8]
    assert (
        node['data']['color'] == shape['line']['color'] == hex_color(expected)
    )
    assert expected != class_color(8)


def test_only_few_nodes_wait_for_steps_of_the_layout():
    for number, quick in ((40, False), (41, True)):
        graph = fake_graph([[0, 0, 9, 9]] * number, [1] * number)
        graph['triplets'] = graph['triplets'][:4]
        *_, layout = GraphCallbacks(CLASSES).show_graph(
            graph, 0.0, 20, 'sgdet'
        )
        assert (layout.get('convergenceThreshold', 0) > 1) == quick


def test_nodes_start_as_boxes_lie():
    places = [
        (item['position']['x'], item['position']['y'])
        for item in graph_elements(GRAPH, {0: '', 1: '', 2: ''})[:3]
    ]
    assert places == [
        pytest.approx((4.5 / 100 * 760, 4.5 / 80 * 520)),
        pytest.approx((40 / 100 * 760, 40 / 80 * 520)),
        pytest.approx((70 / 100 * 760, 27.5 / 80 * 520)),
    ]


def test_show_no_graph():
    show = GraphCallbacks(CLASSES).show_graph
    elements, options, _, summary, disabled, empty, _ = show(
        None, 0.1, 20, 'sgdet'
    )
    assert (elements, options, summary) == ([], [], '')
    assert disabled is True
    assert 'will be here' in empty


def marks(patch):
    """Boxes and names that a patch draws."""
    [update] = patch.to_plotly_json()['operations']
    layout = update['params']['value']
    return layout['shapes'], [tag['text'] for tag in layout['annotations']]


EDGES = [item['data'] for item in graph_elements(GRAPH, {0: '', 1: '', 2: ''})]
NODES, EDGES = EDGES[:3], EDGES[3:]


def show_boxes(graph=GRAPH, task='sgdet', text='', **hover):
    hover = [hover.get(name) for name in ('edge', 'node', 'triplet')]
    return GraphCallbacks(CLASSES).show_boxes(
        graph, 0.5, 20, task, SOURCE, text, *hover
    )


@pytest.mark.parametrize(
    'hover',
    [
        {},
        dict(edge=dict(EDGES[1], id='t1-0-1')),  # of another graph
        dict(edge=EDGES[2]),  # below the least score
        dict(node=dict(NODES[0], number=7)),
    ],
)
def test_all_boxes_without_focus(hover):
    patch, stylesheet = show_boxes(**hover)
    shapes, tags = marks(patch)
    assert [shape['opacity'] for shape in shapes] == [1, 1, 1]
    assert tags == ['dog-0', 'traffic light', 'dog-2']
    assert len(stylesheet) == 2


@pytest.mark.parametrize(
    ('hover', 'names'),
    [
        (dict(edge=EDGES[1], triplet=0), {1, 2}),
        (dict(node=NODES[0]), {0}),
        (dict(triplet=0), {0, 1}),
    ],
)
def test_focus_marks_the_objects(hover, names):
    patch, stylesheet = show_boxes(**hover)
    shapes, tags = marks(patch)
    bold = [shape for shape in shapes if shape['line']['width'] == 4]
    assert len(bold) == len(tags) == len(names)
    corners = sorted(GRAPH['objects'][number]['box'][0] for number in names)
    assert sorted(shape['x0'] for shape in bold) == corners
    for number in names:
        assert f'node[number = {number}]' in stylesheet[-1]['selector']


def test_boxes_of_the_user_are_drawn_while_they_are_typed():
    patch, _ = show_boxes(None, 'predcls', BOXES + '\n9, 9')
    shapes, tags = marks(patch)
    assert tags == ['dog', 'traffic light']
    assert shapes[1]['x1'] == 110
    patch, _ = show_boxes(None, 'sgcls', '5 5 50 60')
    assert marks(patch)[1] == ['1']


def test_download_can_be_read(tmp_path):
    graph = dict(GRAPH, file_name='photo.one.jpg')
    file = GraphCallbacks(CLASSES).download(1, graph, 0.5, 1, 'sgdet')
    assert file['filename'] == 'photo.one.json'
    path = tmp_path / 'graph.json'
    path.write_text(file['content'], encoding='utf-8')
    [read] = read_scene_graphs(path)
    assert read == dict(graph, triplets=graph['triplets'][:1])
    file = GraphCallbacks(CLASSES).download_graphml(1, graph, 0.5, 1, 'sgdet')
    assert file['filename'] == 'photo.one.graphml'
    read = nx.parse_graphml(file['content'])
    assert (len(read.nodes), len(read.edges)) == (3, 1)
