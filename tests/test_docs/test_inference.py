"""docs/inference.md does what it says, run word for word."""

import contextlib
import io
import re
import runpy
import shlex
import sys
from pathlib import Path

import cv2
import pytest
from mmengine.registry import init_default_scope

from mmsgg.testing import write_toy_vg

from ..toy_model import write_checkpoint

ROOT = Path(__file__).parents[2]
PAGE = ROOT / 'docs' / 'inference.md'


def blocks(language):
    return re.findall(rf'```{language}\n(.*?)```', PAGE.read_text(), re.S)


@pytest.fixture(scope='module')
def after_the_demo(tmp_path_factory):
    """A checkout after ``make demo``, in small, and a film."""
    root = tmp_path_factory.mktemp('project')
    for name in ('configs', 'demo'):
        (root / name).symlink_to(ROOT / name)
    init_default_scope('mmsgg')
    write_checkpoint(root / 'work_dirs/demo/sgdet/epoch_1.pth')
    folder = root / 'data' / 'toy_vg'
    write_toy_vg(folder, num_train=2, num_test=2, progress=False)
    codec = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(root / 'film.mp4'), codec, 10, (160, 160))
    image = cv2.imread(str(folder / 'VG_100K' / '2300001.jpg'))
    for _ in range(3):
        writer.write(cv2.resize(image, (160, 160)))
    writer.release()
    return root


@pytest.fixture
def project(after_the_demo, tmp_path):
    """That checkout, with nothing in it that another test wrote."""
    for path in after_the_demo.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def test_the_python_runs(project, monkeypatch):
    monkeypatch.chdir(project)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        scope = {}
        for block in blocks('python'):
            exec(block, scope)
    assert len(scope['results']['predictions'][0]['triplets']) == 5
    lines = printed.getvalue().splitlines()
    assert sum(bool(re.search(r' [01]\.\d{4}$', line)) for line in lines) == 5
    counts = [int(line) for line in lines[-3:]]
    assert counts == sorted(counts, reverse=True)
    assert len(list(project.glob('outputs/vis/*.jpg'))) == 2
    assert len(list(project.glob('outputs/preds/*'))) == 6
    assert len(list(project.glob('graph.*'))) == 4
    assert scope['busiest'] in scope['nodes']


def test_the_commands_run(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    [block] = blocks('bash')
    assert len(block.splitlines()) == 3
    for line in block.splitlines():
        python, *argv = shlex.split(line)
        assert python == 'python'
        monkeypatch.setattr(sys, 'argv', argv)
        runpy.run_path(argv[0], run_name='__main__')
    printed = capsys.readouterr().out
    assert "2 images; the results are in 'outputs'" in printed
    assert '3 frames at 10 a second' in printed
    assert (project / 'graphs.mp4').stat().st_size


def test_the_readme_runs(project, monkeypatch):
    monkeypatch.chdir(project)
    page = (ROOT / 'README.md').read_text()
    section = page.split('## Your own image\n')[1].split('\n## ')[0]
    [block] = re.findall(r'```python\n(.*?)```', section, re.S)
    (project / 'photo.jpg').symlink_to(
        project / 'data/toy_vg/VG_100K/2300001.jpg'
    )
    scope = {}
    exec(block, scope)
    assert (project / 'graphs' / 'vis' / 'photo.jpg').is_file()
    assert (project / 'graphs' / 'preds' / 'photo.graphml').is_file()
