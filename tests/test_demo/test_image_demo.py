import json
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmsgg.apis.exports import FORMATS, to_triples
from mmsgg.evaluation import read_scene_graphs

from ..toy_model import CONFIG

DEMO = Path(__file__).parents[2] / 'demo' / 'image_demo.py'


@pytest.fixture
def run(checkpoint, monkeypatch, capsys):
    """Run the demo on an image or a folder; returns what it printed."""

    def run(image, *options, config=CONFIG, weights=checkpoint):
        argv = [DEMO, image, config, weights, '--device', 'cpu', *options]
        monkeypatch.setattr(sys, 'argv', list(map(str, argv)))
        runpy.run_path(str(DEMO), run_name='__main__')
        return capsys.readouterr().out

    return run


@pytest.fixture
def image(folder):
    return sorted(folder.iterdir())[0]


def test_a_folder(run, folder, tmp_path):
    endings = [name for name in FORMATS if name != 'svg']
    if shutil.which('dot'):
        endings.append('svg')
    options = ['--out-dir', tmp_path, '--topk', 3, '--batch-size', 2]
    text = run(folder, *options, '--export', *endings)
    assert f"3 images; the results are in '{tmp_path}'" in text
    for path in folder.iterdir():
        assert (tmp_path / 'vis' / path.name).stat().st_size > 1e4
        for ending in endings:
            file = tmp_path / 'preds' / f'{path.stem}.{ending}'
            assert file.stat().st_size
        [graph] = read_scene_graphs(file.with_suffix('.json'))
        assert graph['file_name'] == path.name
        assert len(graph['triplets']) == 3
        assert to_triples(graph) in text
        assert file.with_suffix('.txt').read_text() in text


def test_a_threshold_above_all_relations_is_named(run, image, tmp_path):
    hint = '1 image without a relation of at least 0.99: a lower --score-thr'
    options = ['--out-dir', tmp_path, '--score-thr']
    assert hint in run(image, *options, 0.99)
    assert 'without a relation' not in run(image, *options, 0)


def test_a_result_goes_in_as_boxes(run, image, tmp_path):
    out = tmp_path / 'one'
    run(image, '--out-dir', out)
    result = out / 'preds' / f'{image.stem}.json'
    [found] = read_scene_graphs(result)
    again = tmp_path / 'two'
    run(image, '--out-dir', again, '--boxes', result)
    [given] = read_scene_graphs(again / 'preds' / result.name)
    for key in ('box', 'name'):
        assert [item[key] for item in given['objects']] == [
            item[key] for item in found['objects']
        ]
    assert {item['score'] for item in given['objects']} == {1.0}


@pytest.mark.parametrize('labels', [dict(), dict(labels=['dog', 9])])
def test_own_boxes(run, folder, image, tmp_path, labels):
    entry = dict(boxes=[[0, 0, 30, 30], [9, 9, 50, 50]], **labels)
    one, all_ = tmp_path / 'one.json', tmp_path / 'all.json'
    one.write_text(json.dumps(entry))
    files = [path.name for path in folder.iterdir()]
    all_.write_text(json.dumps({name: entry for name in files}))
    graphs = []
    for source, boxes in ((image, one), (folder, all_)):
        run(source, '--boxes', boxes, '--out-dir', tmp_path / boxes.stem)
        file = tmp_path / boxes.stem / 'preds' / f'{image.stem}.json'
        [graph] = read_scene_graphs(file)
        graphs.append(graph)
    assert graphs[0] == graphs[1]
    assert [item['box'] for item in graph['objects']] == entry['boxes']
    scores = [item['score'] for item in graph['objects']]
    assert (scores == [1, 1]) == bool(labels)


def test_detections_in_other_words(run, image, tmp_path):
    boxes, names = tmp_path / 'boxes.json', tmp_path / 'names.json'
    entry = dict(
        boxes=[[0, 0, 30, 30], [9, 9, 50, 50], [1, 1, 9, 9]],
        labels=['puppy', 'spoon', 'dog'],
        scores=[0.5, 0.25, 0.125],
    )
    boxes.write_text(json.dumps(entry))
    names.write_text('{"puppy": "dog", "spoon": null}')
    out = ['--out-dir', tmp_path]
    run(image, '--boxes', boxes, '--label-map', names, *out)
    [graph] = read_scene_graphs(tmp_path / 'preds' / f'{image.stem}.json')
    assert [(item['name'], item['score']) for item in graph['objects']] == [
        ('dog', 0.5),
        ('dog', 0.125),
    ]
    names.write_text('["dog"]')
    with pytest.raises(SystemExit, match=r'names.json. is no JSON of names'):
        run(image, '--boxes', boxes, '--label-map', names, *out)


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ('', "cannot read boxes from '.*x.json'"),
        ('[1]', "cannot read boxes from '.*x.json'"),
        ('{"a.jpg": {"boxes": []}}', "x.json' has no entry '.*jpg'"),
        ('{"boxes": [[0, 0, 9000, 9]]}', 'box 0 of .*jpg.*reaches out'),
        ('{"boxes": [[0, 0, 9, 9]], "labels": ["dg"]}', 'near it: dog'),
    ],
)
def test_wrong_boxes_get_one_line(run, image, tmp_path, boxes, message):
    path = tmp_path / 'x.json'
    path.write_text(boxes)
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        run(image, '--boxes', path, '--out-dir', tmp_path)


def test_limits_get_one_line(run, image, tmp_path):
    narrow = tmp_path / 'narrow.png'
    cv2.imwrite(str(narrow), np.zeros((1, 20_000, 3), np.uint8))
    with pytest.raises(SystemExit, match=r'^error: .*20000 x 1 .*too narrow'):
        run(narrow, '--out-dir', tmp_path)
    with pytest.raises(SystemExit, match=r'^error: .*20000 x 1 .*at most'):
        run(narrow, '--max-pixels', '1e4', '--out-dir', tmp_path)
    boxes = tmp_path / 'x.json'
    boxes.write_text(json.dumps(dict(boxes=[[0, 0, 30, 30]] * 3)))
    options = ['--boxes', boxes, '--max-objects', 2, '--out-dir', tmp_path]
    with pytest.raises(SystemExit, match=r'^error: .* are 3; at most 2'):
        run(image, *options)


def test_a_missing_program_gets_one_line(run, image, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(SystemExit, match=r'^error: SVG .* apt install'):
        run(image, '--export', 'json', 'svg', '--out-dir', tmp_path)
    assert not any(tmp_path.iterdir())  # before the model runs


def test_wrong_files_get_one_line(run, image, tmp_path, capsys):
    with pytest.raises(SystemExit, match=r'error: .*nowhere\.jpg'):
        run(tmp_path / 'nowhere.jpg', '--out-dir', tmp_path)
    with pytest.raises(SystemExit, match='error: there is no image in'):
        run(tmp_path, '--out-dir', tmp_path)
    with pytest.raises(SystemExit, match=r'error: .* no relation_head'):
        run(image, config=CONFIG.with_name('faster-rcnn_r18.py'))
    with pytest.raises(SystemExit, match='2'):
        run(image, weights=tmp_path / 'nowhere.pth')
    assert 'there is no checkpoint' in capsys.readouterr().err
