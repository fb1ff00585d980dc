"""Data sets of other files than those of VG150."""

import copy
import json

import pytest
from mmengine.config import Config

from ...scripts import load_tool
from ...test_datasets import test_gqa
from ...test_datasets.test_coco_relations import SMALL
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


def test_all_bad_rows_are_found_at_once(folder):
    images = small_files()
    images['b.jpg'][0] = dict(images['b.jpg'][0], predicate=9)
    images['a.jpg'][1] = dict(images['a.jpg'][1], subject=None)
    images['a.jpg'].append(dict(images['a.jpg'][0], predicate=-1))
    write(folder, images)
    names = dict(classes=CLASSES, predicates=PREDICATES)
    cfg = config(folder, metainfo=names)
    report = check_config(cfg, max_examples=2)
    assert report.counts['bad relations'] == 3
    first, second = report.examples['bad relations']
    assert "'b.jpg', relation 0" in first and "'a.jpg', relation 1" in second
    assert 'unreadable data set' not in report.counts
    assert report.num_errors >= 3
    # where they are to be dropped, that is no error
    for loader in ('train', 'val', 'test'):
        cfg[f'{loader}_dataloader'].dataset.bad_rows = 'drop'
    report = check_config(cfg)
    assert 'bad relations' not in report.counts
    assert any('3 bad relations dropped' in note for note in report.notes)


@pytest.mark.parametrize('kind', ['json', 'gqa'])
def test_bad_rows_of_other_files(tmp_path, kind):
    if kind == 'json':
        content = copy.deepcopy(SMALL)
        content['annotations'][0]['category_id'] = 77
        content['annotations'][3]['bbox'] = [100, 2, 3, 4]
        (tmp_path / 'all.json').write_text(json.dumps(content))
        dataset = dict(
            type='SceneGraphJsonDataset', ann_file=str(tmp_path / 'all.json')
        )
        # relations of the first are those of nothing then
        counts = {'bad annotations': 1, 'bad relations': 3}
        counts['boxes without an area'] = 1
    else:
        images = [list(image) for image in test_gqa.small_images()]
        images[0][3] = [9, 3]
        images[0][4] = [[0, 5, 1], [0, 1, 9]]
        images[1][1] = dict(width=3)
        test_gqa.write(tmp_path, images)
        dataset = dict(
            type='GQA200Dataset',
            data_root=str(tmp_path),
            split='test',
            metainfo=test_gqa.METAINFO,
        )
        counts = {'bad images': 1, 'bad boxes': 1, 'bad relations': 2}
    loader = dict(dataset=dict(dataset, image_folders=()))
    report = check_config(
        Config(dict(train_dataloader=loader, default_scope='mmsgg'))
    )
    found = {
        kind: count
        for kind, count in report.counts.items()
        if kind.startswith(('bad', 'boxes without'))
    }
    assert found == counts
    assert 'unreadable data set' not in report.counts


@pytest.mark.skipif(not VRD.is_dir(), reason=f'{VRD} is not there')
def test_real_set():
    cfg = config(VRD, image_folders=('images',))
    report = check_config(cfg, max_examples=2)
    sizes = [row[1:] for row in report.sizes]
    assert sizes[0] == (3780, 3780, 26287, 29857)
    assert sizes[1] == sizes[2] == (1000, 955, 6735, 7638)
    assert report.num_errors == 0, str(report)
