"""Data sets of other files than those of VG150."""

import pytest
from mmengine.config import Config

from ...scripts import load_tool
from ...test_datasets.test_vrd import (
    CLASSES,
    PREDICATES,
    VRD,
    small_files,
    write,
)

check_config = load_tool('analysis_tools/check_dataset').check_config


def config(folder, **settings):
    """A config that validates and tests on the training file."""
    dataset = dict(type='VRDDataset', data_root=str(folder), **settings)
    loader = dict(dataset=dataset)
    test = dict(dataset=dict(dataset, ann_file='annotations_test.json'))
    return Config(
        dict(
            train_dataloader=loader,
            val_dataloader=test,
            test_dataloader=test,
            default_scope='mmsgg',
        )
    )


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, small_files())
    path = tmp_path / 'annotations_train.json'
    path.rename(tmp_path / 'annotations_test.json')
    return write(tmp_path, {'c.jpg': small_files()['b.jpg'][:2]})


@pytest.mark.parametrize('drop', [True, False])
def test_small_set(folder, drop):
    names = dict(classes=CLASSES, predicates=PREDICATES)
    cfg = config(folder, metainfo=names, filter_self_relations=drop)
    report = check_config(cfg)
    path = f'{folder}/annotations_test.json'
    relations = 5 if drop else 6
    assert report.sizes[1:] == [
        (f'{split} ({path})', 3, 2, 5, relations) for split in ('val', 'test')
    ]
    assert report.examples['relation of a box to itself'] == [
        f'val ({path}) unfiltered item 2 (image a.jpg) relation 0: boxes '
        '[0, 0] of 2, predicate 1'
    ]
    assert report.examples['duplicate relation'] == [
        f'val ({path}) item 0 (image b.jpg) relation 2: boxes [0, 1] of 3, '
        'predicate 0'
    ]
    assert f'test ({path}) has the items of val ({path})' in report.notes
    assert 'name never occurs in training' in report.counts
    assert report.num_errors == 0  # there is no pipeline that opens images


def test_training_on_the_test_images(folder):
    names = dict(classes=CLASSES, predicates=PREDICATES)
    cfg = config(folder, metainfo=names)
    cfg.train_dataloader = cfg.test_dataloader
    report = check_config(cfg)
    assert report.counts['image in train and in test'] == 3


def test_file_that_is_refused(folder):
    report = check_config(config(folder))  # names of the real set
    assert report.counts == {'unreadable data set': 3}
    assert 'objects.json gives' in report.examples['unreadable data set'][0]


@pytest.mark.skipif(not VRD.is_dir(), reason=f'{VRD} is not there')
def test_real_set():
    cfg = config(VRD, image_folders=('images',))
    report = check_config(cfg, max_examples=2)
    sizes = [row[1:] for row in report.sizes]
    assert sizes[0] == (3780, 3780, 26287, 29857)
    assert sizes[1] == sizes[2] == (1000, 955, 6735, 7638)
    assert report.num_errors == 0, str(report)
