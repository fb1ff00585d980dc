"""The command line that serves the page, with a model of mmsgg."""

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import requests
import torch
from mmengine.registry import init_default_scope

import web_demo
from fake_inferencer import as_upload, image_file
from mmsgg.datasets import ToyVGDataset
from tests.toy_model import write_checkpoint

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / 'projects/web_demo/web_demo.py'
CONFIG = ROOT / 'configs/toy/sgdet.py'
CLASSES = ToyVGDataset.METAINFO['classes']
PREDICATES = ToyVGDataset.METAINFO['predicates']


def command(*arguments):
    return [sys.executable, str(SCRIPT), *arguments]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    init_default_scope('mmsgg')
    return write_checkpoint(tmp_path_factory.mktemp('model') / 'toy.pth')


@pytest.fixture(scope='module')
def address(checkpoint):
    """Where the command serves the page."""
    process = subprocess.Popen(
        command(
            str(CONFIG), str(checkpoint), '--port', '0', '--device', 'cpu'
        ),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    try:
        for line in process.stdout:
            found = re.search(r'http://127\.0\.0\.1:\d+', line)
            if found:
                yield found[0]
                break
        else:
            pytest.fail(f'it ended with status {process.wait(10)}')
    finally:
        process.terminate()
        process.wait(10)


def predict(address, task, text=''):
    """Ask for a graph as the browser does."""
    values = [
        ('predict', 'n_clicks', 1),
        ('source', 'data', dict(name='a.png', example=False)),
        ('task', 'value', task),
        ('boxes', 'value', text),
        ('uploaded', 'data', dict(contents=as_upload(image_file()))),
    ]
    parts = [dict(id=i, property=p, value=value) for i, p, value in values]
    [output] = [
        item['output']
        for item in requests.get(f'{address}/_dash-dependencies').json()
        if '..graph.data...' in item['output']
    ]
    reply = requests.post(
        f'{address}/_dash-update-component',
        json=dict(
            output=output,
            outputs=[
                dict(id=name.split('.')[0], property=name.split('.', 1)[1])
                for name in output.strip('.').split('...')
            ],
            inputs=parts[:4],
            state=parts[4:],
            changedPropIds=['predict.n_clicks'],
        ),
    )
    reply.raise_for_status()
    return reply.json()['response']


@pytest.mark.parametrize('task', ['sgdet', 'sgcls', 'predcls'])
def test_the_command_serves_a_model(address, task):
    text = '10 10 60 50 tree\n40 20 110 80 dog'
    response = predict(address, task, text)
    graph = response['graph']['data']
    assert (graph['width'], graph['height']) == (120, 90)
    assert 'a.png: done in' in json.dumps(response)
    assert {item['name'] for item in graph['triplets']} <= set(PREDICATES)
    for item in graph['objects']:
        assert item['name'] == CLASSES[item['label']]
        x1, y1, x2, y2 = item['box']
        assert 0 <= x1 <= x2 <= 120
        assert 0 <= y1 <= y2 <= 90
    if task != 'sgdet':
        boxes = [item['box'] for item in graph['objects']]
        assert boxes == [[10, 10, 60, 50], [40, 20, 110, 80]]
    if task == 'predcls':
        assert [item['name'] for item in graph['objects']] == ['tree', 'dog']


def test_scripts_and_styles_come_from_the_server(address):
    html = requests.get(address).text
    urls = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert any('dash_cytoscape' in url for url in urls)
    assert any('style.css' in url for url in urls)
    assert all(url.startswith('/') for url in urls)
    for url in urls:
        assert requests.get(address + url).ok


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['no.py', 'no.pth'], "there is no config 'no.py'"),
        ([str(CONFIG), 'no.pth'], "there is no checkpoint 'no.pth'"),
        ([str(CONFIG), __file__, '--port', 'x'], "'x' is not a port"),
        ([str(CONFIG), __file__, '--port', '65536'], 'is not a port'),
        ([str(CONFIG), __file__, '--max-mb', '0'], "'0' is not a number"),
        ([str(CONFIG), __file__, '--max-pixels', 'nan'], 'is not a number'),
        ([str(CONFIG), __file__, '--examples', 'no'], "no folder 'no'"),
    ],
)
def test_wrong_arguments_give_a_message(arguments, message, capsys):
    with pytest.raises(SystemExit):
        web_demo.parse_args(arguments)
    assert message in capsys.readouterr().err


def test_it_listens_on_this_machine_only():
    args = web_demo.parse_args([str(CONFIG), __file__])
    assert (args.host, args.port) == ('127.0.0.1', 7860)


def test_a_detector_is_refused(tmp_path):
    path = tmp_path / 'empty.pth'
    torch.save({}, path)
    config = ROOT / 'configs/toy/faster-rcnn_r18.py'
    with pytest.raises(SystemExit, match='has no relation_head'):
        web_demo.main([str(config), str(path)])


def test_what_does_not_load_gives_a_message(checkpoint):
    for arguments in (
        [str(CONFIG), __file__],
        [str(CONFIG), str(checkpoint), '--device', 'nope'],
    ):
        with pytest.raises(SystemExit, match='does not load with'):
            web_demo.main(arguments)


def test_the_toy_demo_ends_with_a_command(monkeypatch, tmp_path, checkpoint):
    monkeypatch.syspath_prepend(ROOT / 'demo')
    toy_demo = importlib.import_module('toy_demo')
    work_dir = tmp_path / 'a folder'
    (work_dir / 'examples').mkdir(parents=True)
    args = Namespace(work_dir=work_dir)
    words = shlex.split(toy_demo.web_command(args, checkpoint))
    assert Path(words[0]).samefile(sys.executable)
    assert Path(words[1]).samefile(SCRIPT)
    parsed = web_demo.parse_args(words[2:])
    assert Path(parsed.config).samefile(CONFIG)
    assert Path(parsed.checkpoint) == checkpoint
    assert parsed.examples == work_dir / 'examples'
