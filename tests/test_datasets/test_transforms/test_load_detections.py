import json

import numpy as np
import pytest

from mmsgg.datasets.transforms import LoadDetections, PackSGInputs

FOUND = [
    dict(bbox=[1, 2, 30.5, 40], category=3, score=0.75),
    dict(bbox=[0, 0, 5, 6], category=0, score=0.5),
]


def load(tmp_path, content, name='a.jpg'):
    path = tmp_path / 'detections.json'
    path.write_text(json.dumps(content))
    item = dict(img_path=f'some/folder/{name}', img_id=1)
    return LoadDetections(str(path))(item)


def test_detections_of_the_image_reach_the_sample(tmp_path):
    item = load(tmp_path, {'b.jpg': [], 'a.jpg': FOUND})
    proposals = PackSGInputs(meta_keys=())(item)['data_samples'].proposals
    assert proposals.bboxes.tolist() == [[1, 2, 30.5, 40], [0, 0, 5, 6]]
    assert proposals.labels.tolist() == [3, 0]
    assert proposals.scores.tolist() == [0.75, 0.5]


@pytest.mark.parametrize(
    ('names', 'number'),
    [
        (('some/folder/a.jpg', 'folder/a.jpg', 'a.jpg'), 2),
        (('folder/a.jpg', 'other/a.jpg', 'a.jpg'), 2),
        (('other/a.jpg', 'a.jpg/a', 'r/a.jpg'), 0),
    ],
)
def test_names_with_folders(tmp_path, names, number):
    first, *others = names
    content = {first: FOUND} | {name: FOUND[:1] for name in others}
    found = load(tmp_path, content if number else dict.fromkeys(names, FOUND))
    assert len(found['proposals']) == number


@pytest.mark.parametrize('name', ['b.jpg', 'unknown.jpg'])
def test_nothing_found(tmp_path, name):
    item = load(tmp_path, {'b.jpg': [], 'a.jpg': FOUND}, name)
    assert item['proposals'].shape == (0, 4)
    assert item['proposals'].dtype == np.float32
    assert item['proposals_labels'].dtype == np.int64
    proposals = PackSGInputs(meta_keys=())(item)['data_samples'].proposals
    assert len(proposals) == 0 and proposals.labels.shape == (0,)


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"detection of 'a.jpg'.*'score'"):
        load(tmp_path, {'a.jpg': [dict(bbox=[0, 0, 1, 1], category=1)]})
    missing = LoadDetections(str(tmp_path / 'none.json'))
    with pytest.raises(FileNotFoundError, match=r'none.json not found.*set'):
        missing(dict(img_path='a.jpg'))
