"""VGDataset: other names, numbers of them and sizes than those of VG150."""

import json

import numpy as np
import pytest

from mmsgg.datasets import VG150Dataset
from mmsgg.registry import DATASETS

from .test_vg150 import items_of
from .vg_files import VGFiles, settings

CLASSES = tuple(f'thing {k}' for k in range(83))


@pytest.fixture
def files(tmp_path):
    """Files of 83 classes, in an order that is not that of their names."""
    files = VGFiles(seed=4, num_images=30, classes=CLASSES[::-1])
    files.write(tmp_path)
    return tmp_path


def build(folder, **kwargs):
    return DATASETS.build(
        dict(type='VGDataset', data_root=str(folder), num_val=2) | kwargs
    )


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_names_of_the_dictionary(files, split):
    dataset = build(files, split=split, lazy_init=True)
    assert dataset.metainfo['classes'] == CLASSES[::-1]
    assert dataset.metainfo['predicates'] == ('on', 'under', 'eats')
    names = dict(metainfo=dataset.metainfo, split=split)
    expected = VG150Dataset(**settings(files, **names))
    assert items_of(dataset) == items_of(expected)
    assert len(np.unique(expected.scene_graphs.labels)) > 4 or split == 'val'


def test_metainfo_decides(files):
    names = dict(classes=CLASSES, predicates=('on', 'under', 'eats'))
    with pytest.raises(ValueError, match=r'label_to_idx.*index 1'):
        build(files, metainfo=names)


def test_gaps_are_refused(files):
    path = files / 'VG-SGG-dicts.json'
    vocabulary = json.loads(path.read_text())
    vocabulary['predicate_to_idx']['eats'] = 4
    path.write_text(json.dumps(vocabulary))
    with pytest.raises(ValueError, match=r'predicate_to_idx must number'):
        build(files)
    del vocabulary['predicate_to_idx']
    path.write_text(json.dumps(vocabulary))
    with pytest.raises(KeyError, match='predicate_to_idx'):
        build(files)
