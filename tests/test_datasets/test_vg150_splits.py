"""Which images of a VG-SGG.h5 are read: marks of splits, corrupted images."""

import json

import numpy as np
import pytest

from mmsgg.datasets import VG150Dataset
from mmsgg.datasets.vg150_file import CORRUPTED_IDS

from .vg_files import VGFiles, settings


@pytest.fixture
def log(monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    return lambda: lines[-1]


def ids_of(folder, split, **kwargs):
    options = dict(split=split, image_folders=()) | kwargs
    return VG150Dataset(**settings(folder, **options)).scene_graphs.img_ids


def test_a_validation_set_of_its_own(files, tmp_path, log):
    marks = files.arrays['split']
    marks[:] = np.arange(24) % 3  # 0, 1 and 2
    folder = files.write(tmp_path)
    ids = np.array([image['image_id'] for image in files.images])
    boxes = files.arrays['img_to_first_box'] >= 0
    for mark, split in enumerate(('train', 'val', 'test')):
        expected = ids[boxes & (marks == mark)]
        assert ids_of(folder, split).tolist() == expected.tolist()
        assert (
            'its 8 images of split value 1 are the validation set, and '
            'num_val is not used'
        ) in log()


def test_marks_that_no_split_reads_are_counted(files, tmp_path, log):
    files.arrays['split'] = np.where(np.arange(24) < 4, 3, 0)
    files.arrays['split'][5] = -1
    ids_of(files.write(tmp_path), 'train')
    assert '4 images of split value 3, which no split reads' in log()
    assert '1 images of split value -1, which no split reads' in log()


def test_nothing_unusual_is_not_told(folder, log):
    ids_of(folder, 'train')
    assert 'split value' not in log()


def test_corrupted_ids_of_a_set_of_ones_own(tmp_path):
    files = VGFiles(num_images=24)
    files.arrays['split'][:] = 2
    for number, image in enumerate(files.images):
        image['image_id'] = 1580 + number  # 1592 is among them
    files.corrupted = []
    folder = files.write(tmp_path)
    boxes = files.arrays['img_to_first_box'] >= 0
    expected = [i['image_id'] for i in np.array(files.images)[boxes]]
    assert ids_of(folder, 'test').tolist() == expected
    # Visual Genome lists four more than its h5 file has rows for
    path = folder / 'image_data.json'
    images = json.loads(path.read_text())
    rest = [i for i in images if i['image_id'] not in CORRUPTED_IDS]
    assert len(rest) == 23
    path.write_text(json.dumps(rest))
    with pytest.raises(ValueError, match=r'24 image rows.* 23 images'):
        ids_of(folder, 'test')
