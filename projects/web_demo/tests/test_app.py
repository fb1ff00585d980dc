"""The application: its limits, its errors and its examples."""

import json

import pytest

from fake_inferencer import CLASSES, FakeInferencer, write_images
from web_page import (
    Predictor,
    UploadLimits,
    list_examples,
    make_app,
)


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
