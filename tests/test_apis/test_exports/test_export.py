import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from mmsgg.apis.exports import (
    FORMATS,
    check_export,
    export_graph,
    read_graphml,
    to_dot,
    to_triples,
    write_svg,
)
from mmsgg.evaluation import read_scene_graphs

from .graphs import GRAPH, graphs

DOT = shutil.which('dot')
needs_dot = pytest.mark.skipif(
    DOT is None, reason="no program 'dot': apt install graphviz"
)
EMPTY = dict(GRAPH, objects=[], triplets=[])


def test_triples():
    expected = 'man wears hat 0.3000\nhat on man 0.2500\nman 2 hat 0.1250'
    assert to_triples(GRAPH) == expected
    assert to_triples(EMPTY) == ''


def test_triples_tell_objects_of_one_name_apart():
    hat, *_ = GRAPH['objects'][1:]
    graph = dict(GRAPH, objects=[*GRAPH['objects'], dict(hat, id=9)])
    graph['triplets'] = [
        *GRAPH['triplets'][:1],
        dict(subject_id=4, object_id=9, label=3, name='on', score=0.25),
    ]
    assert to_triples(graph) == 'man wears hat-4 0.3000\nhat-4 on hat-9 0.2500'


@pytest.mark.parametrize('ending', ['json', 'graphml', 'dot', 'txt', 'TXT'])
def test_the_ending_says_the_format(tmp_path, ending):
    for graph in (GRAPH, EMPTY):
        path = tmp_path / f'a.{ending}'
        export_graph(path, graph)
        if ending == 'json':
            assert read_scene_graphs(path) == [graph]
        elif ending == 'graphml':
            assert read_graphml(path) == graph
        elif ending == 'dot':
            assert path.read_text() == to_dot(graph)
        else:
            assert path.read_text().splitlines() == (
                to_triples(graph).splitlines()
            )


NASTY = 'a\x1b[31mb\x00\r\nc'


@pytest.mark.parametrize(
    'ending', ['json', 'graphml', 'ttl', 'cypher', 'dot', 'txt', 'svg']
)
def test_control_characters(tmp_path, ending):
    if ending == 'svg' and DOT is None:
        pytest.skip("no program 'dot': apt install graphviz")
    objects = [dict(item, name=NASTY) for item in GRAPH['objects']]
    triplets = [dict(item, name=NASTY) for item in GRAPH['triplets']]
    graph = dict(GRAPH, file_name=NASTY, objects=objects, triplets=triplets)
    path = tmp_path / f'a.{ending}'
    export_graph(path, graph)
    text = path.read_bytes().decode()
    assert not set(text) & {'\x1b', '\x00', '\r'}
    if ending == 'json':
        assert read_scene_graphs(path) == [graph]
    if ending == 'graphml':
        assert read_graphml(path)['file_name'] == 'a [31mb   c'
    if ending == 'txt':
        assert len(text.splitlines()) == len(triplets)


def test_unknown_endings(tmp_path):
    assert set(FORMATS) == {
        'json', 'graphml', 'ttl', 'cypher', 'dot', 'svg', 'txt'
    }  # fmt: skip
    with pytest.raises(ValueError, match=r'a\.png.*\.svg, \.txt'):
        export_graph(tmp_path / 'a.png', GRAPH)


def drawn(svg):
    """The texts in an SVG, and how many nodes and edges it has."""
    root = ElementTree.fromstring(svg)
    space = '{http://www.w3.org/2000/svg}'
    texts = [text.text for text in root.iter(f'{space}text')]
    kinds = [group.get('class') for group in root.iter(f'{space}g')]
    return texts, kinds.count('node'), kinds.count('edge')


@needs_dot
def test_svg_shows_all(tmp_path):
    write_svg(tmp_path / 'a.svg', GRAPH)
    texts, num_nodes, num_edges = drawn((tmp_path / 'a.svg').read_text())
    assert (num_nodes, num_edges) == (3, 3)
    texts = {text.replace('\xa0', ' ') for text in texts}
    assert {'7.jpg', 'man-0', 'hat-4', '2-5', 'wears 0.30'} <= texts


@needs_dot
@settings(max_examples=15, deadline=None)
@given(graph=graphs())
def test_dot_takes_any_name(graph):
    done = subprocess.run(
        [DOT, '-Tsvg'],
        input=to_dot(graph).encode(),
        capture_output=True,
        check=True,
    )
    _, num_nodes, num_edges = drawn(done.stdout.decode())
    assert num_nodes == len(graph['objects'])
    assert num_edges == len(graph['triplets'])


def test_missing_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'graphviz', None)
    for write in (to_dot, lambda graph: write_svg(tmp_path / 'a.svg', graph)):
        with pytest.raises(ImportError, match=r'pip install mmsgg\[demo\]'):
            write(GRAPH)


def test_missing_program(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    path = tmp_path / 'a.svg'
    for write in (write_svg, export_graph, lambda path, _: check_export(path)):
        with pytest.raises(FileNotFoundError, match='apt install graphviz'):
            write(path, GRAPH)
    assert not path.exists()
    export_graph(tmp_path / 'a.dot', GRAPH)
