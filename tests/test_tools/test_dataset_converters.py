"""From the files of VG150 to JSON and back: the same graphs."""

import json
import re

import numpy as np
import pytest

from mmsgg.datasets import SceneGraphJsonDataset, VG150Dataset

from ..scripts import load_tool
from ..test_datasets.slow_reader import slow_items
from ..test_datasets.test_vg150 import assert_same_items, items_of
from ..test_datasets.vg_files import CLASSES, PREDICATES, VGFiles

convert = load_tool('dataset_converters/convert')
NAMES = dict(classes=CLASSES, predicates=PREDICATES)
FOLDERS = ('VG_100K', 'VG_100K_2')


@pytest.fixture
def run(capsys):
    """Convert from a format to another; returns what was printed."""

    def run(old, new, source, target, *argv):
        argv = [source, target, '--from', old, '--to', new, *argv]
        convert.main([*map(str, argv)])
        return capsys.readouterr().out

    return run


def there_and_back(run, tmp_path, files):
    """Convert small files of VG150 to JSON, and those to files again."""
    folder = files.write(tmp_path / 'vg')
    run('vg-h5', 'json', folder, tmp_path / 'json', '--num-val', 3)
    log = run('json', 'vg-h5', tmp_path / 'json', tmp_path / 'back')
    assert 'num_val=3' in log
    return folder


def numbers(files):
    """Their ids are numbers already."""


def words(files):
    for i, image in enumerate(files.images):
        image['image_id'] = f'street_{i:03d}'


@pytest.mark.parametrize('name', [numbers, words])
def test_there_and_back(run, tmp_path, name):
    files = VGFiles(num_images=24)
    name(files)
    folder = there_and_back(run, tmp_path, files)
    itself = 0
    for split in ('train', 'val', 'test'):
        expected = slow_items(folder, split, 3)
        json_dataset = SceneGraphJsonDataset(
            ann_file=str(tmp_path / 'json' / f'{split}.json'),
            data_prefix=dict(img=str(folder)),
            image_folders=FOLDERS,
        )
        assert json_dataset.metainfo['classes'] == CLASSES
        assert json_dataset.metainfo['predicates'] == PREDICATES
        assert_same_items(items_of(json_dataset), expected)
        both = dict(split=split, num_val=3, metainfo=NAMES)
        back = VG150Dataset(
            data_root=str(tmp_path / 'back'),
            data_prefix=dict(img=str(folder)),
            **both,
        )
        assert_same_items(items_of(back), expected)
        graphs = [
            VG150Dataset(
                data_root=str(root), filter_self_relations=False, **both
            ).scene_graphs
            for root in (folder, tmp_path / 'back')
        ]
        for key, array in vars(graphs[0]).items():
            if key == 'boxes':
                np.testing.assert_allclose(array, graphs[1].boxes, atol=1e-4)
            elif array is not None:
                assert array.tolist() == getattr(graphs[1], key).tolist()
        ends = graphs[0].pairs
        itself += (ends[:, 0] == ends[:, 1]).sum()
    # such relations made the way too
    assert itself


def image(number, name):
    return dict(id=number, file_name=name, width=30, height=20)


@pytest.mark.parametrize(
    ('names', 'words'),
    [
        (['a.jpg', 'x/a.jpg'], 'two images have the id a'),
        (['a.png'], 'a.png is no .jpg'),
    ],
)
def test_names_that_do_not_fit(run, tmp_path, names, words):
    images = [image(k, name) for k, name in enumerate(names)]
    lists = dict(categories=[], annotations=[], predicates=[], relations=[])
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(dict(images=images, **lists)))
    with pytest.raises(SystemExit, match=re.escape(words)):
        run('json', 'vg-h5', path, tmp_path / 'out')


def test_nothing_to_convert(run, tmp_path):
    with pytest.raises(SystemExit, match='no files of json'):
        run('json', 'vg-h5', tmp_path, tmp_path / 'out')


def test_splits_with_other_orders_of_names(run, tmp_path):
    """Names decide, not their places in the second file."""
    predicates = [dict(id=1, name='on'), dict(id=2, name='under')]
    cat, hat = dict(id=1, name='cat'), dict(id=2, name='hat')
    for split, categories in (('train', [cat, hat]), ('test', [hat, cat])):
        lists = dict(
            images=[image(5, f'{split}.jpg')],
            categories=categories,
            annotations=[
                dict(id=k, image_id=5, category_id=k, bbox=[1, 1, 5 * k, 9])
                for k in (1, 2)
            ],
            predicates=predicates,
            relations=[
                dict(image_id=5, subject_id=1, object_id=2, predicate_id=2)
            ],
        )
        (tmp_path / f'{split}.json').write_text(json.dumps(lists))
    run('json', 'vg-h5', tmp_path, tmp_path / 'vg')
    for split in ('train', 'test'):
        dataset = VG150Dataset(
            data_root=str(tmp_path / 'vg'),
            split=split,
            num_val=0,
            metainfo=dict(classes=('cat', 'hat'), predicates=('on', 'under')),
            image_folders=(),
        )
        assert dataset[0]['img_id'] == split
        assert dataset.relation_triplets().tolist() == [[0, 1, 1]]


def test_ids_from_1_to_2000(run, tmp_path):
    images = [image(k, f'{k}.jpg') for k in range(1, 2001)]
    lists = dict(
        categories=[dict(id=1, name='cat')],
        annotations=[
            dict(id=k, image_id=k, category_id=1, bbox=[1, 2, 3, 4])
            for k in range(1, 2001)
        ],
        predicates=[dict(id=1, name='on')],
        relations=[],
    )
    lists['annotations'].append(
        dict(id=0, image_id=5, category_id=1, bbox=[1, 2, 8, 9], iscrowd=1)
    )
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(dict(images=images, **lists)))
    out = run('json', 'vg-h5', path, tmp_path / 'vg')
    assert 'train: 2000 images' in out
    assert 'the format does not hold 1 regions to ignore' in out
    dataset = VG150Dataset(
        data_root=str(tmp_path / 'vg'),
        num_val=0,
        metainfo=dict(classes=['cat'], predicates=['on']),
    )
    assert dataset.scene_graphs.img_ids.tolist() == [*range(1, 2001)]
    assert len(dataset.scene_graphs.boxes) == 2000


def test_validation_images_of_a_file_are_converted(run, tmp_path):
    files = VGFiles(num_images=24)
    files.arrays['split'][:] = np.arange(24) % 3
    folder = files.write(tmp_path / 'vg')
    run('vg-h5', 'json', folder, tmp_path / 'json', '--num-val', 0)
    val = json.loads((tmp_path / 'json' / 'val.json').read_text())
    marked = {image['image_id'] for image in files.images[1::3]}
    assert val['images'] and {i['id'] for i in val['images']} <= marked
