"""From an upload to a graph, without a browser."""

from contextvars import copy_context

import pytest
from dash import no_update
from dash._callback_context import context_value
from dash._utils import AttributeDict
from dash.exceptions import PreventUpdate

from fake_inferencer import (
    CLASSES,
    FakeInferencer,
    as_upload,
    image_file,
    write_images,
)
from web_page import (
    Predictor,
    UploadLimits,
    list_examples,
)
from web_page.image_callbacks import ImageCallbacks, drawn_corners

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


def test_a_narrow_image_is_shown_and_its_message_too(page, fake):
    contents = as_upload(image_file((20_000, 1)))
    uploaded = dict(name='thin.png', contents=contents)
    figure, source, _, _ = call(
        page.open_image, uploaded, [None], by='uploaded.data'
    )
    assert source['size'] == [20_000, 1]
    assert figure.layout.images
    fake.error = ValueError('it is too narrow')
    graph, message = call(page.predict, 1, source, 'sgdet', '', uploaded)
    assert (graph, text_of(message)) == (None, 'it is too narrow')


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
    def edit(text, task='sgcls', by='image-view.relayoutData', drawn=None):
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
