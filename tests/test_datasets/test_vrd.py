"""VRDDataset on small files, and on the real ones where they are."""

import json
import re

import cv2
import numpy as np
import pytest

from mmsgg.datasets import VRD_CLASSES, VRD_PREDICATES, VRDDataset
from mmsgg.registry import DATASETS

from ..folders import DATA

CLASSES = ('cat', 'hat', 'mat')
PREDICATES = ('on', 'under')
VRD = DATA / 'vrd'


def end(category, *bbox):
    return dict(category=category, bbox=list(bbox))


def relation(predicate, subject, obj):
    return dict(predicate=predicate, subject=subject, object=obj)


def small_files():
    """Three images; bbox = [ymin, ymax, xmin, xmax] from 1."""
    cat, hat = end(0, 5, 30, 1, 20), end(1, 1, 8, 3, 12)
    cat_of_that_box = end(0, 1, 8, 3, 12)
    return {
        'b.jpg': [
            relation(0, hat, cat),
            relation(1, cat, hat),
            relation(0, hat, cat),
            relation(1, cat, cat_of_that_box),
        ],
        'empty.jpg': [],
        'a.jpg': [relation(1, hat, hat), relation(0, cat, hat)],
    }


def write(folder, images, classes=CLASSES, predicates=PREDICATES):
    for name, content in (
        ('annotations_train.json', images),
        ('objects.json', classes),
        ('predicates.json', predicates),
    ):
        (folder / name).write_text(json.dumps(content))
    return folder


def settings(folder, **kwargs):
    metainfo = dict(classes=CLASSES, predicates=PREDICATES)
    return dict(
        data_root=str(folder), image_folders=(), metainfo=metainfo
    ) | dict(kwargs)


def test_equal_boxes_of_a_class_are_one_instance(tmp_path):
    folder = write(tmp_path, small_files())
    dataset = DATASETS.build(dict(type='VRDDataset', **settings(folder)))
    first, empty, last = (dataset[i] for i in range(3))
    assert first == dict(
        img_path=str(folder / 'b.jpg'),
        img_id='b.jpg',
        # the boxes tell the least size
        height=30,
        width=20,
        instances=[
            # the first and the last pixel, from 0
            dict(bbox=[2, 0, 11, 7], bbox_label=1, ignore_flag=0),
            dict(bbox=[0, 4, 19, 29], bbox_label=0, ignore_flag=0),
            dict(bbox=[2, 0, 11, 7], bbox_label=0, ignore_flag=0),
        ],
        relations=[
            dict(pair=[0, 1], predicate_label=0),
            dict(pair=[1, 0], predicate_label=1),
            dict(pair=[0, 1], predicate_label=0),
            dict(pair=[1, 2], predicate_label=1),
        ],
        sample_idx=0,
    )
    assert (empty['instances'], empty['relations']) == ([], [])
    assert empty['height'] == empty['width'] == 1
    assert [row['pair'] for row in last['relations']] == [[0, 0], [1, 0]]
    assert len(last['instances']) == 2


def test_filters_are_those_of_all_data_sets(tmp_path):
    folder = write(tmp_path, small_files())
    dataset = VRDDataset(
        **settings(folder),
        filter_self_relations=True,
        filter_empty_relations=True,
        filter_duplicate_relations=True,
    )
    pairs = [
        sorted(row['pair'] for row in dataset[i]['relations'])
        for i in range(len(dataset))
    ]
    assert pairs == [[[0, 1], [1, 0], [1, 2]], [[1, 0]]]


@pytest.mark.parametrize('images', [{}, {'a.jpg': []}])
def test_no_relations_at_all(tmp_path, images):
    dataset = VRDDataset(**settings(write(tmp_path, images)))
    assert len(dataset) == len(images)
    assert dataset.relation_triplets().shape == (0, 3)


def test_sizes_of_images_and_of_a_file(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    folder = write(tmp_path, small_files())
    for name in ('pictures', 'more'):
        (folder / name).mkdir()
    pixels = np.zeros((25, 40, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / 'pictures' / 'b.jpg'), pixels)
    folders = dict(image_folders=('more', 'pictures'))
    dataset = VRDDataset(**settings(folder, **folders))
    sizes = np.column_stack(
        [dataset.scene_graphs.widths, dataset.scene_graphs.heights]
    )
    assert sizes.tolist() == [[40, 25], [1, 1], [20, 30]]
    assert dataset[0]['img_path'] == str(folder / 'pictures' / 'b.jpg')
    # a cat of 30 pixels height in an image of 25
    assert dataset[0]['instances'][1]['bbox'] == [0, 4, 19, 25]
    assert lines[0].endswith(
        'kept 3 images, 5 boxes (1 clipped to their image) and 6 relations; '
        'dropped nothing; guessed 2 sizes'
    )
    with pytest.raises(FileNotFoundError, match=r'a\.jpg.*image_folders='):
        dataset[2]
    sizes = {'a.jpg': [90, 80], 'b.jpg': [70, 60], 'empty.jpg': [5, 6]}
    (folder / 'sizes.json').write_text(json.dumps(sizes))
    dataset = VRDDataset(**settings(folder, sizes_file='sizes.json'))
    assert dataset.scene_graphs.widths.tolist() == [70, 5, 90]
    assert dataset.scene_graphs.heights.tolist() == [60, 6, 80]
    del sizes['a.jpg']
    (folder / 'sizes.json').write_text(json.dumps(sizes))
    with pytest.raises(ValueError, match=r"no size of 1 images.*'a\.jpg'"):
        VRDDataset(**settings(folder, sizes_file='sizes.json'))
    sizes['a.jpg'] = [2, 80]
    (folder / 'sizes.json').write_text(json.dumps(sizes))
    with pytest.raises(
        ValueError, match=r"'a\.jpg' has no area inside its 2 x 80"
    ):
        VRDDataset(**settings(folder, sizes_file='sizes.json'))


@pytest.mark.parametrize(
    ('where', 'value', 'words'),
    [
        (('predicate',), 2, 'predicate is outside 0..1'),
        (('predicate',), -1, 'predicate is outside 0..1'),
        (('predicate',), '1', 'whole numbers'),
        (('subject', 'category'), 3, 'category is outside 0..2'),
        (('object', 'category'), -1, 'category is outside 0..2'),
        (('subject', 'bbox'), [0, 8, 3, 12], '1 <= min < max'),
        (('object', 'bbox'), [9, 8, 3, 12], '1 <= min < max'),
        (('object', 'bbox'), [1, 8, 3, 3], '1 <= min < max'),
        (('object', 'bbox'), [1, 8, 3], 'four of them'),
        (('object', 'bbox'), [1, 8, 3, 5.5], 'whole numbers'),
        (('object',), None, 'needs predicate, subject and object'),
    ],
)
def test_broken_relation(tmp_path, where, value, words):
    images = small_files()
    *path, key = where
    place = images['a.jpg'][1]
    for step in path:
        # a copy: the objects are shared between relations
        place[step] = dict(place[step])
        place = place[step]
    place[key] = value
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        VRDDataset(**settings(write(tmp_path, images)))
    for word in ('annotations_train.json', "'a.jpg', relation 1", 'correct'):
        assert word in str(caught.value)


def test_broken_files(tmp_path):
    folder = write(tmp_path, [])
    with pytest.raises(ValueError, match='a list instead of a dict'):
        VRDDataset(**settings(folder))
    write(folder, small_files(), classes=('cat', 'mat', 'hat'))
    with pytest.raises(
        ValueError, match=r"objects\.json gives 'mat' to index 1.*'hat'"
    ):
        VRDDataset(**settings(folder))
    write(folder, small_files(), predicates=('on',))
    with pytest.raises(
        ValueError, match=r"predicates\.json gives None to index 1.*'under'"
    ):
        VRDDataset(**settings(folder))
    (folder / 'objects.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'objects\.json not found'):
        VRDDataset(**settings(folder))


def test_vocabulary():
    dataset = VRDDataset(lazy_init=True)
    assert len(set(VRD_CLASSES)) == len(dataset.metainfo['classes']) == 100
    assert len(set(VRD_PREDICATES)) == 70
    assert (VRD_CLASSES[0], VRD_CLASSES[-1]) == ('person', 'suitcase')
    assert (VRD_PREDICATES[0], VRD_PREDICATES[-1]) == ('on', 'skate on')


needs_vrd = pytest.mark.skipif(
    not VRD.is_dir(), reason=f'the real VRD is not in {DATA} (MMSGG_DATA)'
)


@needs_vrd
@pytest.mark.parametrize(
    ('split', 'num_images', 'num_with_relations', 'num_relations'),
    [('train', 3780, 3780, 29857), ('test', 1000, 955, 7638)],
)
def test_real_counts(split, num_images, num_with_relations, num_relations):
    dataset = VRDDataset(
        f'annotations_{split}.json', data_root=str(VRD), image_folders=()
    )
    assert len(dataset) == num_images
    assert len(dataset.relation_triplets()) == num_relations
    graphs = dataset.scene_graphs
    assert (graphs.relation_counts > 0).sum() == num_with_relations


@needs_vrd
def test_real_boxes_lie_in_the_real_images():
    dataset = VRDDataset(
        'annotations_test.json', data_root=str(VRD), image_folders=('images',)
    )
    there = [
        row
        for row, name in enumerate(dataset.scene_graphs.file_names)
        if (VRD / 'images' / name).is_file()
    ]
    assert len(there) > 60
    raw = json.loads((VRD / 'annotations_test.json').read_text())
    for row in there:
        item = dataset[row]
        height, width = cv2.imread(item['img_path']).shape[:2]
        assert (item['height'], item['width']) == (height, width)
        boxes = [instance['bbox'] for instance in item['instances']]
        for entry, ours in zip(
            raw[item['img_id']], item['relations'], strict=True
        ):
            for side, k in zip(('subject', 'object'), ours['pair'],
                               strict=True):  # fmt: skip
                y1, y2, x1, x2 = entry[side]['bbox']
                assert boxes[k] == [x1 - 1, y1 - 1, x2 - 1, y2 - 1]
                assert 0 <= boxes[k][0] and boxes[k][2] <= width - 1
                label = item['instances'][k]['bbox_label']
                assert label == entry[side]['category']
            assert ours['predicate_label'] == entry['predicate']
