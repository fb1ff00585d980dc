"""What happens on the page, without a browser."""

import json
from contextvars import copy_context

import pytest
from dash import no_update
from dash._callback_context import context_value
from dash._utils import AttributeDict
from dash.exceptions import PreventUpdate

from mmsgg.apis.web import (
    Predictor,
    UploadLimits,
    list_examples,
    make_app,
)
from mmsgg.apis.web.graph_callbacks import GraphCallbacks
from mmsgg.apis.web.image_callbacks import ImageCallbacks, drawn_corners
from mmsgg.apis.web.network import network_elements
from mmsgg.evaluation import read_scene_graphs

from .fake_inferencer import (
    CLASSES,
    FakeInferencer,
    as_upload,
    fake_graph,
    image_file,
    write_images,
)

BOXES = '5, 5, 50, 60, dog\n40, 30, 110, 80, traffic light'
SOURCE = dict(name='a.png', example=False, size=[120, 90])
UPLOADED = dict(name='a.png', contents=as_upload(image_file()))


def call(function, *args, by='predict.n_clicks'):
    """Call as Dash would, after a property changed."""

    def run():
        inputs = [dict(prop_id=name, value=1) for name in by.split()]
        context_value.set(AttributeDict(triggered_inputs=inputs))
        return function(*args)

    return copy_context().run(run)


@pytest.fixture
def fake():
    return FakeInferencer()


@pytest.fixture
def page(fake, tmp_path):
    write_images(tmp_path)
    return ImageCallbacks(
        Predictor(fake, CLASSES), list_examples(tmp_path), UploadLimits()
    )


def text_of(message):
    assert message.className == 'error'
    return message.children


def test_open_an_upload(page):
    figure, source, boxes, message = call(
        page.open_image, UPLOADED, [None], by='uploaded.data'
    )
    assert source == SOURCE
    assert (boxes, message) == ('', no_update)
    [picture] = figure.layout.images
    assert (picture.sizex, picture.sizey) == (120, 90)


def test_open_an_example(page):
    by = '{"name":"dark.png","type":"example"}.n_clicks'
    _, source, _, _ = call(page.open_image, None, [None, 1], by=by)
    assert source == dict(name='dark.png', example=True, size=[120, 90])
    with pytest.raises(PreventUpdate):  # the buttons were made just now
        call(page.open_image, None, [None, None], by=by)


@pytest.mark.parametrize('name', ['../secret.png', '/etc/passwd', 'no.png'])
def test_only_examples_of_the_list_can_be_opened(page, name):
    by = f'{{"name":"{name}","type":"example"}}.n_clicks'
    _, source, _, message = call(page.open_image, None, [1], by=by)
    assert source is None
    assert text_of(message) == f"There is no example '{name}'."


def test_a_bad_upload_gives_a_message_and_no_image(page):
    uploaded = dict(name='a.txt', contents=as_upload(b'words'))
    figure, source, _, message = call(
        page.open_image, uploaded, [], by='uploaded.data'
    )
    assert source is None
    assert not figure.layout.images
    assert "'a.txt' is not an image" in text_of(message)


@pytest.mark.parametrize('task', ['sgdet', 'sgcls', 'predcls'])
def test_predict(page, fake, task):
    graph, message = call(page.predict, 1, SOURCE, task, BOXES, UPLOADED)
    assert graph['file_name'] == 'a.png'
    assert len(graph['objects']) == (4 if task == 'sgdet' else 2)
    assert message.startswith('a.png: done in ')
    [made] = fake.calls
    assert (made['task'], made['shape']) == (task, (90, 120, 3))
    if task == 'predcls':
        assert made['labels'].tolist() == [1, 2]


def test_only_detection_starts_by_itself(page, fake):
    graph, _ = call(
        page.predict, None, SOURCE, 'sgdet', '', UPLOADED, by='source.data'
    )
    assert len(graph['objects']) == 4
    for by in ('source.data', 'task.value', 'boxes.value'):
        graph, hint = call(
            page.predict, 1, SOURCE, 'sgcls', BOXES, UPLOADED, by=by
        )
        assert graph is None
        assert 'Draw boxes' in hint
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ('task', 'text', 'message'),
    [
        ('sgcls', '', 'Draw or paste a box first.'),
        ('predcls', None, 'Draw or paste a box first.'),
        ('predcls', '1 2 30 40', 'line 1: the class is missing'),
        ('sgcls', '1 2 30 40\nwords', 'line 2'),
    ],
)
def test_wrong_boxes_give_a_message(page, fake, task, text, message):
    graph, span = call(page.predict, 1, SOURCE, task, text, UPLOADED)
    assert graph is None
    assert message in text_of(span)
    assert fake.calls == []


def test_predict_without_an_image(page):
    assert call(page.predict, 1, None, 'sgdet', '', None) == (
        None,
        'Open an image first.',
    )
    graph, message = call(
        page.predict, None, None, 'sgdet', '', None, by='task.value'
    )
    assert (graph, message) == (None, no_update)


def test_a_failing_model_gives_a_message(page, fake, caplog):
    fake.error = RuntimeError('secret path')
    graph, message = call(page.predict, 1, SOURCE, 'sgdet', '', UPLOADED)
    assert graph is None
    assert (
        text_of(message)
        == 'This failed (RuntimeError); the server logged why.'
    )
    assert 'secret path' in caplog.text


def test_edit_boxes(page):
    def edit(text, task='sgcls', by='image.relayoutData', drawn=None):
        return call(page.edit_boxes, drawn, 1, 1, text, task, 'dog', by=by)

    drawn = dict(shapes=[dict(editable=True, x0=50, y0=9, x1=20.04, y1=30)])
    assert edit('', drawn=drawn) == '20.0, 9.0, 50.0, 30.0'
    assert edit('a\n', 'predcls', drawn=drawn) == (
        'a\n20.0, 9.0, 50.0, 30.0, dog'
    )
    assert edit('a\nb\n\n', by='undo.n_clicks') == 'a'
    assert edit('', by='undo.n_clicks') == ''
    assert edit('a\nb', by='clear.n_clicks') == ''
    with pytest.raises(PreventUpdate):
        edit('a', drawn=dict(autosize=True))


@pytest.mark.parametrize(
    'drawn',
    [
        None,
        {},
        dict(shapes=[]),
        dict(shapes=[dict(editable=False, x0=0, y0=0, x1=9, y1=9)]),
        dict(shapes=[dict(editable=True, x0=4, y0=4, x1=4, y1=4)]),
    ],
)
def test_nothing_drawn(drawn):
    assert drawn_corners(drawn) is None


GRAPH = fake_graph(
    [[0, 0, 9, 9], [20, 20, 60, 60], [50, 5, 90, 50]], [1, 2, 1]
)


def test_show_graph():
    show = GraphCallbacks(CLASSES).show_graph
    elements, options, chosen, summary, disabled, empty = show(
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


def test_show_no_graph():
    show = GraphCallbacks(CLASSES).show_graph
    elements, options, _, summary, disabled, empty = show(
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


EDGES = [
    item['data'] for item in network_elements(GRAPH, {0: '', 1: '', 2: ''})
]
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


def test_a_request_that_makes_no_sense_gets_a_message(caplog):
    client = make_app(
        Predictor(FakeInferencer(), CLASSES)
    ).server.test_client()
    reply = client.post(
        '/_dash-update-component',
        json=dict(
            output='file.data',
            outputs=dict(id='file', property='data'),
            inputs=[dict(id='download', property='n_clicks', value=1)],
            state=[
                dict(id='graph', property='data', value=dict(objects=3)),
                dict(id='score-thr', property='value', value=0.1),
                dict(id='topk', property='value', value=5),
                dict(id='task', property='value', value='sgdet'),
            ],
            changedPropIds=['download.n_clicks'],
        ),
    )
    assert reply.status_code == 200
    assert 'This failed (KeyError); the server logged why.' in reply.text
    assert 'Traceback' not in reply.text
    assert 'Traceback' in caplog.text


def test_a_large_request_is_refused(tmp_path):
    limits = UploadLimits(max_bytes=2**20)
    app = make_app(Predictor(FakeInferencer(), CLASSES), limits=limits)
    client = app.server.test_client()
    url = '/_dash-update-component'
    reply = client.post(
        url,
        data=b'{"a": "' + b'x' * 3 * 2**20 + b'"}',
        content_type='application/json',
    )
    assert reply.status_code == 413


def test_examples_that_are_no_images_are_left_out(tmp_path):
    write_images(tmp_path)
    (tmp_path / 'a.png').write_bytes(b'words')
    (tmp_path / 'notes.txt').write_text('words')
    (tmp_path / 'folder.png').mkdir()
    examples = list_examples(tmp_path)
    assert list(examples) == ['a.png', 'bright.png', 'dark.png']
    with pytest.warns(UserWarning, match=r"'a.png' is not an image.*left out"):
        app = make_app(Predictor(FakeInferencer(), CLASSES), examples)
    layout = json.dumps(app.layout.to_plotly_json(), default=repr)
    assert 'bright.png' in layout
    assert 'a.png' not in layout
    assert list_examples(None) == {}
