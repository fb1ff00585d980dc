import copy
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings

from mmsgg.apis.exports import (
    from_networkx,
    read_graphml,
    to_networkx,
    write_graphml,
)
from mmsgg.evaluation import read_scene_graphs, write_scene_graphs

from .graphs import GRAPH, graphs


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('graphs')


@settings(max_examples=40, deadline=None)
@given(graph=graphs())
def test_all_the_way_round(folder, graph):
    """JSON -> networkx -> GraphML -> networkx -> JSON."""
    before = copy.deepcopy(graph)
    write_scene_graphs(folder / '1.json', [graph])
    [read] = read_scene_graphs(folder / '1.json')
    nodes = to_networkx(read)
    write_graphml(folder / '1.graphml', from_networkx(nodes))
    again = read_graphml(folder / '1.graphml')
    write_scene_graphs(folder / '2.json', [again])
    assert read_scene_graphs(folder / '2.json') == [before] == [graph]
    back = to_networkx(again)
    assert dict(back.nodes(data=True)) == dict(nodes.nodes(data=True))
    assert list(back.edges) == list(nodes.edges)


def test_what_networkx_sees():
    nodes = to_networkx(GRAPH)
    assert isinstance(nodes, nx.MultiDiGraph)
    assert nodes.graph == dict(
        image_id=7, file_name='7.jpg', width=40, height=30
    )
    assert nodes.nodes[0] == dict(
        label=1, name='man', score=0.5, x1=0.0, y1=0.0, x2=9.0, y2=9.5
    )
    assert 'name' not in nodes.nodes[5]
    assert nodes.number_of_edges(0, 4) == 2
    assert nodes.edges[4, 0, 1] == dict(label=3, name='on', score=0.25)
    assert list(nx.isolates(nodes)) == [5]


def test_the_rank_is_the_key():
    """NetworkX lists edges by their subjects; the order comes back."""
    graph = dict(GRAPH, triplets=GRAPH['triplets'][::-1])
    assert from_networkx(to_networkx(graph)) == graph


def test_keys_that_it_does_not_know_come_along():
    graph = copy.deepcopy(GRAPH)
    graph['objects'][0]['color'] = 'red'
    graph['triplets'][0]['rule'] = 3
    assert from_networkx(to_networkx(graph)) == graph


def test_graphml_is_valid_for_others(tmp_path):
    write_graphml(tmp_path / 'g.graphml', GRAPH)
    space = '{http://graphml.graphdrawing.org/xmlns}'
    root = ElementTree.parse(tmp_path / 'g.graphml').getroot()
    assert root.tag == f'{space}graphml'
    ids = [edge.get('id') for edge in root.iter(f'{space}edge')]
    assert len(ids) == len(set(ids)) == 3
    names = {key.get('attr.name') for key in root.iter(f'{space}key')}
    assert {'x1', 'y1', 'x2', 'y2', 'label', 'name', 'score'} <= names


def test_what_cannot_be_written_or_read(tmp_path):
    lost = dict(GRAPH, objects=GRAPH['objects'][:1])
    with pytest.raises(ValueError, match='points to no object'):
        to_networkx(lost)
    control = dict(GRAPH, file_name='a\x00b')
    with pytest.raises(ValueError, match='XML cannot hold'):
        write_graphml(tmp_path / 'x.graphml', control)
    with pytest.raises(ValueError, match=r'nowhere\.graphml'):
        read_graphml(tmp_path / 'nowhere.graphml')
    path = tmp_path / 'broken.graphml'
    path.write_text('<graphml')
    with pytest.raises(ValueError, match=r'broken\.graphml'):
        read_graphml(path)
    nx.write_graphml(nx.path_graph(2), path)
    with pytest.raises(ValueError, match=r"broken\.graphml' has no 'x1'"):
        read_graphml(path)
    nx.write_graphml(nx.Graph([('a', 'b')]), path)
    with pytest.raises(ValueError, match=r'broken\.graphml'):
        read_graphml(path)
