"""docs/visualization.md says what is so."""

import inspect
import re
from pathlib import Path

import mmcv
import pytest

from mmsgg.evaluation import write_scene_graphs
from mmsgg.visualization import SGLocalVisualizer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'visualization.md').read_text(encoding='utf-8')
GRAPH_CODE, CONFIG_CODE = re.findall(r'```python\n(.*?)```', PAGE, re.S)


def test_config_is_that_of_the_repository():
    text = (ROOT / 'configs' / 'toy' / 'sgdet_tensorboard.py').read_text()
    lines = [line for line in text.splitlines() if not line.startswith('#')]
    assert CONFIG_CODE.strip() == '\n'.join(lines).strip()


def test_options_and_defaults_are_those_of_the_visualizer():
    known = inspect.signature(SGLocalVisualizer).parameters
    rows = re.findall(r'^\| (`\w+`[^|]*)\| ([^|]+)\|', PAGE, re.M)
    rows = [row for row in rows if not row[0].startswith('`python')]
    assert len(rows) == 7
    for names, defaults in rows:
        names = re.findall(r'`(\w+)`', names)
        for name, default in zip(names, defaults.split(','), strict=True):
            assert str(known[name].default) in (
                default.strip(),
                f'{default.strip()}.0',
            )


def test_graphs_of_a_file_are_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph = dict(id=7, objects=[], triplets=[])
    write_scene_graphs('graphs.json', [graph])
    exec(GRAPH_CODE, {})
    assert mmcv.imread('graphs/7.png').shape == (640, 900, 3)


@pytest.mark.parametrize('link', re.findall(r'\]\(([^)#]+)', PAGE))
def test_links_lead_somewhere(link):
    assert (ROOT / 'docs' / link).exists()
