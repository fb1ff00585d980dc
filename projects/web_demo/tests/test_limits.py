"""What a browser may send, and what it is told when it sends more."""

import re
import time

import pytest

from fake_inferencer import CLASSES, FakeInferencer, fake_graph
from web_page import Predictor, make_app, user_boxes
from web_page.limits import (
    MAX_BOXES,
    MAX_NAME,
    MAX_OBJECTS,
    MAX_TEXT,
    MAX_TRIPLETS,
    UploadLimits,
    box_lines,
    fitting_graph,
)

BOX = [1.5, 2, 30, 40]


def graph_of(num_objects, num_triplets=0, name='dog'):
    """A graph of a stranger: the last objects are the best."""
    graph = fake_graph([], [])
    graph['objects'] = [
        dict(id=i, label=1, name=name, box=BOX, score=i / num_objects)
        for i in range(num_objects)
    ]
    graph['triplets'] = [
        dict(subject_id=0, object_id=1, label=0, name='on', score=0.5)
    ] * num_triplets
    return graph


@pytest.fixture
def client():
    app = make_app(
        Predictor(FakeInferencer(), CLASSES), limits=UploadLimits(2**21)
    )
    return app.server.test_client()


def post(client, graph=None, text='', **more):
    """Ask for what the page shows of a graph, as a browser does."""
    values = {
        ('graph', 'data'): graph,
        ('score-thr', 'value'): 0.1,
        ('topk', 'value'): 100,
        ('task', 'value'): 'sgdet',
        ('source', 'data'): dict(name='a', example=False, size=[100, 80]),
        ('boxes', 'value'): text,
        ('graph-view', 'mouseoverEdgeData'): None,
        ('graph-view', 'mouseoverNodeData'): None,
        ('triplets', 'value'): None,
    }
    [figure] = [
        item['output']
        for item in client.get('/_dash-dependencies').json
        if 'graph-view.stylesheet' in item['output']
    ]
    one, other = figure.strip('.').split('...')
    outputs = [
        dict(id=part.split('.')[0], property=part.split('.')[1])
        for part in (one, other)
    ]
    return client.post(
        '/_dash-update-component',
        json=dict(
            output=figure,
            outputs=outputs,
            inputs=[
                dict(id=key[0], property=key[1], value=value)
                for key, value in values.items()
            ],
            state=[],
            changedPropIds=['graph.data'],
            **more,
        ),
    )


def refused(reply):
    """The sentence that the page shows."""
    assert reply.status_code == 200
    assert reply.json['response'] == {}
    message = reply.json['sideUpdate']['message']['children']
    assert message['props']['className'] == 'error'
    return message['props']['children']


def test_the_largest_graph_is_shown(client):
    graph = graph_of(MAX_OBJECTS, MAX_TRIPLETS)
    for number, item in enumerate(graph['objects']):
        item.update(name=f'{number}' * (MAX_NAME // 3), score=0.9)
    start = time.process_time()
    reply = post(client, graph)
    assert time.process_time() - start < 10
    assert 'sideUpdate' not in reply.json
    shown = str(reply.json['response']['image-view'])
    assert shown.count("'rect'") == MAX_OBJECTS


@pytest.mark.parametrize(
    ('graph', 'message'),
    [
        (graph_of(MAX_OBJECTS + 1), 'graph has 301 objects; at most 300'),
        (graph_of(2, MAX_TRIPLETS + 1), 'graph has 101 triplets; at most 100'),
        (graph_of(12_000), r'request has \d+ values; at most 50000'),
        (graph_of(2, 0, 'x' * (MAX_NAME + 1)), 'has 301 characters; at most'),
    ],
)
def test_a_larger_one_gets_a_sentence(client, graph, message, caplog):
    reply = post(client, graph)
    assert re.search(message, refused(reply))
    assert caplog.text == ''


def test_a_long_text_gets_a_sentence(client):
    text = '1 2 3 4\n' * (MAX_TEXT // 8 + 1)
    assert 'at most 10000' in refused(post(client, text=text))


def test_a_request_is_counted_before_it_is_parsed(client, monkeypatch):
    monkeypatch.setattr('flask.Request.get_json', None)
    assert 'has 60' in refused(post(client, [0] * 60_000))


def test_a_deep_request_gets_a_sentence(client):
    reply = client.post(
        '/_dash-update-component',
        data='[' * 40_000 + ']' * 40_000,
        content_type='application/json',
    )
    assert 'nested too deeply' in refused(reply)


def test_bytes_are_bounded_with_a_sentence(client):
    reply = client.post(
        '/_dash-update-component',
        data=b'"' + b'x' * 2**22 + b'"',
        content_type='application/json',
    )
    assert reply.status_code == 413
    assert reply.text == 'At most 3.67 MB are taken at a time.'


def test_boxes_are_counted_before_they_are_parsed(monkeypatch):
    monkeypatch.setattr(user_boxes, '_corners', None)
    for text in ('1 2 3 4\n' * (MAX_BOXES + 1), 'x' * (MAX_TEXT + 1)):
        with pytest.raises(ValueError, match='at most'):
            user_boxes.parse_boxes(text, (100, 80), CLASSES)
    assert len(box_lines('\n' * 99 + '1 2 3 4\n' * MAX_BOXES)) == 99 + 50


def test_a_graph_of_the_model_is_made_to_fit():
    graph = graph_of(400, 120, 'x' * 400)
    fitting = fitting_graph(graph)
    assert len(fitting['triplets']) == MAX_TRIPLETS
    ids = [item['id'] for item in fitting['objects']]
    assert ids == [0, 1, *range(102, 400)]  # related, then the best
    assert {len(item['name']) for item in fitting['objects']} == {MAX_NAME}
    small = graph_of(3, 1)
    assert fitting_graph(small) == small
