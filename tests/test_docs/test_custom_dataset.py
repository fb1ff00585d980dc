"""docs/custom_dataset.md does what it says, run word for word."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmsgg.registry import DATASETS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / 'docs' / 'custom_dataset.md'


def blocks(language):
    return re.findall(rf'```{language}\n(.*?)```', PAGE.read_text(), re.S)


def write_config(folder, text):
    """Write a block to the path in its first line, below ``folder``."""
    path = folder / re.match(r'# (configs/mine/\w+\.py)\n', text)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def project(tmp_path):
    """A checkout with the data and the configs of the page."""
    (tmp_path / 'configs').mkdir()
    for name in ('_base_', 'detection', 'linknet', 'toy'):
        (tmp_path / 'configs' / name).symlink_to(ROOT / 'configs' / name)
    (tmp_path / 'tools').symlink_to(ROOT / 'tools')
    [annotations] = blocks('json')
    images = tmp_path / 'data' / 'mine' / 'images'
    images.mkdir(parents=True)
    for split in ('train', 'val', 'test'):
        (images.parent / f'{split}.json').write_text(annotations)
    rng = np.random.default_rng(0)
    for image in json.loads(annotations)['images']:
        shape = (image['height'], image['width'], 3)
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        assert cv2.imwrite(str(images / image['file_name']), pixels)
    configs = [write_config(tmp_path, text) for text in blocks('python')]
    assert len(configs) == 3
    return tmp_path


def test_the_page_runs(project):
    commands = [line for block in blocks('bash') for line in block.split('\n')]
    commands = [line for line in commands if line]
    assert len(commands) == 4
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / 'run_commands.py', *commands],
        cwd=project,
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count('kept 2 images, 4 boxes') >= 4
    assert 'R@20' in done.stdout
    pictures = project.glob('work_dirs/mine_test/*/pictures/*')
    assert len([path for path in pictures if path.stat().st_size]) == 2


def test_the_full_model_takes_the_same_configs(project, monkeypatch):
    monkeypatch.chdir(project)
    # the page says: write the first for the second, and so on
    full_1, toy_1, full_2, toy_2 = re.findall(
        r"`'(\.\./\S+)'`", PAGE.read_text()
    )
    for text in blocks('python'):
        text = text.replace(toy_1, full_1).replace(toy_2, full_2)
        assert '../toy' not in text
        write_config(project, text)
    for path in (project / 'configs' / 'mine').glob('*.py'):
        cfg = Config.fromfile(path)
        detector = cfg.model.get('detector', cfg.model)
        assert detector.backbone.type == 'VGG16'
        assert detector.roi_head.bbox_head.num_classes == 3
        for split in ('train', 'val', 'test'):
            dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
            assert dataset.metainfo['classes'] == ('cat', 'mat', 'hat')
            assert dataset[0]['inputs'].shape[0] == 3
