"""docs/custom_dataset.md does what it says, followed word for word."""

import json
import re

import cv2
import numpy as np
import pytest

from mmsgg.datasets import SceneGraphJsonDataset, VGDataset
from mmsgg.datasets import write_scene_graph_json as write_json
from mmsgg.testing import write_toy_vg

from .. import forked
from ..folders import ROOT

PAGE = (ROOT / 'docs' / 'custom_dataset.md').read_text()
PREPARE, PRINTED = (
    block.splitlines()
    for block in re.findall(r'```bash\n(.*?)```', PAGE, re.S)
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout with toy pictures as a folder of one's own, and a photo."""
    (tmp_path / 'configs').mkdir()
    for path in (ROOT / 'configs').iterdir():
        (tmp_path / 'configs' / path.name).symlink_to(path)
    for folder in ('tools', 'demo'):
        (tmp_path / folder).symlink_to(ROOT / folder)
    source, data = tmp_path / 'toy', tmp_path / 'data' / 'mine'
    write_toy_vg(source, num_train=24, num_test=0, progress=False)
    toy = VGDataset(data_root=str(source), num_val=0)
    photos = sorted(source.glob('VG_100K*/*.jpg'))
    (data / 'images').mkdir(parents=True)
    for photo in photos:
        photo.rename(data / 'images' / photo.name)
    write_json(
        data / 'graphs.json',
        toy.scene_graphs,
        toy.metainfo['classes'],
        toy.metainfo['predicates'],
    )
    image = data / 'images' / photos[0].name
    (tmp_path / 'photo.jpg').write_bytes(image.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_a_folder_to_a_graph_in_six_commands(project):
    log = project / 'log.txt'
    [prepare] = PREPARE
    tiny = prepare.replace('rtmdet_s', 'toy --epochs 1')
    assert tiny != prepare
    assert 1 + len(PRINTED) == 6
    assert forked.run(tiny, project, log) == 0
    expected = [line.replace('epoch_50', 'epoch_1') for line in PRINTED]
    printed = log.read_text().splitlines()
    assert printed[-len(expected) :] == expected
    for line in expected:
        assert forked.run(line, project, log) == 0, line
    said = log.read_text()
    assert 'R@20' in said and 'pascal_voc/mAP' in said
    graphs = project / 'work_dirs' / 'mine' / 'graphs'
    assert cv2.imread(str(graphs / 'vis' / 'photo.jpg')) is not None
    assert json.loads((graphs / 'preds' / 'photo.json').read_text())['images']


def test_the_json_is_complete(tmp_path):
    [text] = re.findall(r'```json\n(.*?)```', PAGE, re.S)
    (tmp_path / 'graphs.json').write_text(text)
    dataset = SceneGraphJsonDataset(
        ann_file='graphs.json', data_root=str(tmp_path), image_folders=()
    )
    assert dataset.metainfo['classes'] == ('cat', 'mat', 'hat')
    assert [len(item['relations']) for item in dataset] == [1, 2]
    assert np.array_equal(dataset.scene_graphs.box_counts, [2, 2])
