"""Turtle and Cypher, parsed back here; Label Studio, by our reader."""

import json
import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.apis.exports import (
    export_graph,
    to_cypher,
    to_turtle,
    write_label_studio,
)
from mmsgg.datasets import LabelStudioDataset
from mmsgg.visualization.graph_dict import name_of

from .graphs import GRAPH, graphs

BASE = 'https://a.org/7'
RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
RDFS = 'http://www.w3.org/2000/01/rdf-schema#'
TEXTS = st.text(st.characters(exclude_categories=['Cs']), min_size=1)
STRING = r'"(?:[^"\\\n\r]|\\[tbnrf"\\]|\\u[0-9A-Fa-f]{4})*"'
NUMBER = r'-?\d+(?:\.\d*)?(?:e[+-]?\d+)?'
TOKEN = re.compile(
    rf'\s*(?:(?P<text>{STRING})|(?P<iri><[^\x00-\x20<>"{{}}|^`\\]*>)'
    rf'|(?P<number>{NUMBER})|(?P<name>[a-z]+:\w+|a)|(?P<mark>[;.]))'
)
PREFIX = re.compile(r'@prefix (\w+): <(.*)> \.\n')


@st.composite
def named(draw):
    """A graph in which any name is any text."""
    graph = draw(graphs())
    for item in (graph, *graph['objects'], *graph['triplets']):
        key = 'file_name' if item is graph else 'name'
        item[key] = draw(st.none() | TEXTS)
    return graph


def parse_turtle(text):
    """The statements of what we write, by the grammar of Turtle 1.1."""
    prefixes = dict(PREFIX.findall(text), a=RDF)
    text = PREFIX.sub('', text).strip()
    tokens, end = [], 0
    while end < len(text):
        match = TOKEN.match(text, end)
        assert match, text[end : end + 40]
        kind, value, end = match.lastgroup, match[match.lastgroup], match.end()
        if kind == 'iri':
            iri = value[1:-1]
            value = BASE + iri if iri.startswith('#') else iri
        elif kind == 'name':
            prefix, _, name = value.partition(':')
            value = prefixes[prefix] + (name or 'type')
        elif kind != 'mark':
            value = json.loads(value)
        tokens.append((kind, value))
    found, subject = set(), None
    while tokens:
        subject = tokens.pop(0)[1] if subject is None else subject
        predicate, object_, mark = (tokens.pop(0) for _ in range(3))
        found.add((subject, predicate[1], object_[1]))
        assert mark[0] == 'mark'
        subject = None if mark[1] == '.' else subject
    return found


def expected_statements(graph):
    """What a graph says, written a second time."""
    sgg, things = 'urn:mmsgg:', {}
    things['image'] = {
        RDF + 'type': sgg + 'Image', sgg + 'image_id': graph['id'],
        **{sgg + k: graph[k] for k in ('file_name', 'width', 'height')},
    }  # fmt: skip
    edges = set()
    for item in graph['objects']:
        corners = dict(zip(('x1', 'y1', 'x2', 'y2'), item['box'], strict=True))
        values = {k: item[k] for k in ('label', 'name', 'score')} | corners
        things[f'object{item["id"]}'] = {
            RDF + 'type': sgg + 'Object',
            sgg + 'in': f'{BASE}#image',
            **{sgg + key: value for key, value in values.items()},
        }
    for rank, item in enumerate(graph['triplets']):
        ends = [f'{BASE}#object{item[k]}' for k in ('subject_id', 'object_id')]
        edges.add((ends[0], name_of(item), ends[1]))
        things[f'relation{rank}'] = {
            RDF + 'type': RDF + 'Statement',
            RDF + 'subject': ends[0],
            RDF + 'object': ends[1],
            sgg + 'rank': rank,
            **{sgg + k: item[k] for k in ('label', 'name', 'score')},
        }
    statements = {
        (f'{BASE}#{thing}', key, value)
        for thing, values in things.items()
        for key, value in values.items()
        if value is not None
    }
    return statements, edges


def check_turtle(found, graph):
    """Compare statements; predicates of the data have names of their own."""
    own = 'urn:mmsgg:predicate:'
    expected, edges = expected_statements(graph)
    assert expected <= found
    stated = {
        (s, unquote(p.removeprefix(own)), o)
        for s, p, o in found
        if p.startswith(own)
    }
    assert stated == edges
    other = {p for _, p, _ in found - expected if not p.startswith(own)}
    assert other <= {RDFS + 'label', RDF + 'predicate'}


@settings(max_examples=40, deadline=None)
@given(graph=named())
def test_turtle_says_what_the_graph_says(graph):
    check_turtle(parse_turtle(to_turtle(graph)), graph)


def test_turtle_of_a_graph():
    found = parse_turtle(to_turtle(GRAPH))
    wears = 'urn:mmsgg:predicate:wears'
    assert (f'{BASE}#object0', wears, f'{BASE}#object4') in found
    assert (
        f'{BASE}#object0', RDFS + 'label', 'man'
    ) in found  # fmt: skip
    assert (f'{BASE}#relation0', RDF + 'predicate', wears) in found
    spaced = dict(GRAPH['triplets'][0], name='on "top" of > ü')
    text = to_turtle(dict(GRAPH, triplets=[spaced]))
    assert f'<urn:mmsgg:predicate:{quote(spaced["name"], safe="")}>' in text


@settings(max_examples=25, deadline=None)
@given(graph=named())
def test_rdflib_reads_the_same(graph):
    rdflib = pytest.importorskip('rdflib', reason='rdflib reads RDF')
    text = to_turtle(graph)
    parsed = rdflib.Graph().parse(data=text, format='turtle', publicID=BASE)
    found = {
        tuple(
            float(x) if isinstance(x, rdflib.Literal) and x.datatype
            and not isinstance(x.toPython(), str) else str(x)
            for x in row
        )
        for row in parsed
    }  # fmt: skip
    ours = {
        (s, p, float(o) if isinstance(o, (int, float)) else o)
        for s, p, o in parse_turtle(text)
    }
    assert found == ours


def parse_cypher(text):
    """Nodes and relationships of what we write; names become numbers."""
    values = []

    def number(match):
        values.append(json.loads(match[0]))
        return f'"{len(values) - 1}"'

    bare = re.sub(STRING, number, text)
    head, *parts = bare.removesuffix(';\n').split('\n  ')
    assert head == 'CREATE'
    nodes, edges = {}, []
    for part in parts:
        part = part.removesuffix(',').removeprefix('(image)-[:HAS]->')
        node = re.fullmatch(r'\((\w+):(\w+) {(.*)}\)', part)
        edge = re.fullmatch(r'\((\w+)\)-\[:RELATION {(.*)}\]->\((\w+)\)', part)
        assert node or edge, part
        pairs = (node[3] if node else edge[2]).split(', ')
        properties = {}
        for key, value in (pair.split(': ') for pair in pairs if pair):
            value = json.loads(value)
            properties[key] = (
                values[int(value)] if isinstance(value, str) else value
            )
        if node:
            nodes[node[1]] = (node[2], properties)
        else:
            edges.append((edge[1], edge[3], properties))
    return nodes, edges


def without_none(values):
    return {key: value for key, value in values.items() if value is not None}


@settings(max_examples=40, deadline=None)
@given(graph=named())
def test_cypher_says_what_the_graph_says(graph):
    nodes, edges = parse_cypher(to_cypher(graph))
    kind, image = nodes.pop('image')
    assert kind == 'Image'
    expected = {key: graph[key] for key in ('file_name', 'width', 'height')}
    assert image == without_none(expected | dict(image_id=graph['id']))
    assert set(nodes) == {f'o{item["id"]}' for item in graph['objects']}
    for item in graph['objects']:
        corners = dict(zip(('x1', 'y1', 'x2', 'y2'), item['box'], strict=True))
        values = {k: v for k, v in item.items() if k != 'box'} | corners
        assert nodes[f'o{item["id"]}'] == ('Object', without_none(values))
    assert edges == [
        (
            f'o{item["subject_id"]}',
            f'o{item["object_id"]}',
            without_none(
                {k: item[k] for k in ('label', 'name', 'score')}
                | dict(rank=rank)
            ),
        )
        for rank, item in enumerate(graph['triplets'])
    ]


@pytest.mark.parametrize('ending', ['ttl', 'cypher'])
def test_half_a_surrogate_pair_is_written(tmp_path, ending):
    path = tmp_path / f'a.{ending}'
    export_graph(path, dict(GRAPH, file_name='a\ud800.jpg'))
    assert '"a?.jpg"' in path.read_text(encoding='utf-8')


def test_corrected_predictions_come_back(tmp_path):
    name = 'Küche "3"\n猫'
    objects = [dict(item) for item in GRAPH['objects']]
    objects[0]['name'] = name
    graph = dict(GRAPH, objects=objects, file_name='street/7.jpg')
    path = tmp_path / 'tasks.json'
    write_label_studio(path, [graph, dict(GRAPH, objects=[], triplets=[])])
    tasks = json.loads(path.read_text())
    for number, task in enumerate(tasks):  # as Label Studio exports them
        [prediction] = task.pop('predictions')
        scores = [r['score'] for r in prediction['result']]
        assert scores == [0.5, 1.0, 0.1, 0.3, 0.25, 0.125][: len(scores)]
        annotation = dict(id=number, was_cancelled=False)
        task['annotations'] = [annotation | dict(result=prediction['result'])]
    path.write_text(json.dumps(tasks))
    dataset = LabelStudioDataset(
        ann_file='tasks.json', data_root=str(tmp_path), image_folders=()
    )
    classes, predicates = (
        dataset.metainfo[key] for key in ('classes', 'predicates')
    )
    item = dataset[0]
    assert item['img_id'] == 7
    assert item['img_path'].endswith('street/7.jpg')
    assert [
        (i['bbox'], classes[i['bbox_label']]) for i in item['instances']
    ] == [(o['box'], o['name'] or str(o['label'])) for o in objects]
    assert [
        (*r['pair'], predicates[r['predicate_label']])
        for r in item['relations']
    ] == [(0, 1, 'wears'), (1, 0, 'on'), (0, 1, '2')]
    assert dataset[1]['instances'] == []


def test_label_studio_needs_the_size(tmp_path):
    for key in ('width', 'file_name'):
        with pytest.raises(ValueError, match='size of image 7'):
            write_label_studio(tmp_path / 'a', [dict(GRAPH, **{key: None})])
