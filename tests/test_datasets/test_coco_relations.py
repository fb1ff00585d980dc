"""SceneGraphJsonDataset: reading, writing, and what it refuses."""

import copy
import json
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsgg.datasets import (
    SceneGraphJsonDataset,
    count_relations,
    write_scene_graph_json,
)
from mmsgg.registry import DATASETS

from .test_scene_graph_arrays import images_of, random_graphs

SMALL = dict(
    info=dict(year=2024),
    images=[
        dict(id=7, file_name='sub/b.png', width=40, height=30),
        dict(id=3, file_name='a.jpg', width=20, height=10),
        dict(id=9, file_name='none.jpg', width=20, height=10),
    ],
    categories=[dict(id=30, name='cat'), dict(id=10, name='hat')],
    annotations=[
        dict(id=1, image_id=3, category_id=10, bbox=[1, 2, 3, 4.5]),
        dict(id=2, image_id=7, category_id=30, bbox=[5, 6, 50, 10]),
        dict(id=9, image_id=3, category_id=30, bbox=[0, 0, 20, 10]),
        dict(id=4, image_id=7, category_id=30, bbox=[5, 6, 7, 10]),
    ],
    predicates=[dict(id=5, name='on'), dict(id=2, name='under')],
    relations=[
        dict(image_id=3, subject_id=9, object_id=1, predicate_id=2),
        dict(image_id=7, subject_id=2, object_id=4, predicate_id=5),
        dict(image_id=3, subject_id=1, object_id=1, predicate_id=5),
        dict(image_id=3, subject_id=1, object_id=9, predicate_id=5),
    ],
)


def opened(folder, content, **kwargs):
    (folder / 'all.json').write_text(json.dumps(content))
    settings = dict(data_root=str(folder), image_folders=()) | kwargs
    return SceneGraphJsonDataset(ann_file='all.json', **settings)


def test_of_empty_boxes_the_first_in_the_file_is_named(tmp_path):
    """It is of the second image."""
    content = copy.deepcopy(SMALL)
    content['annotations'][0]['bbox'] = [30, 2, 3, 4]
    content['annotations'][1]['bbox'] = [50, 6, 5, 10]
    with pytest.raises(ValueError, match=r'annotations\[0\], .* has no area'):
        opened(tmp_path, content)


def test_items(tmp_path):
    dataset = opened(tmp_path, SMALL)
    assert dataset.metainfo['classes'] == ('cat', 'hat')
    assert dataset.metainfo['predicates'] == ('on', 'under')
    assert dataset[0]['instances'] == [
        # clipped to its image
        dict(bbox=[5, 6, 40, 16], bbox_label=0, ignore_flag=0),
        dict(bbox=[5, 6, 12, 16], bbox_label=0, ignore_flag=0),
    ]
    assert dataset[0]['relations'] == [dict(pair=[0, 1], predicate_label=0)]
    assert dataset[0]['img_path'] == str(tmp_path / 'sub' / 'b.png')
    assert dataset[1] == dict(
        img_path=str(tmp_path / 'a.jpg'),
        img_id=3,
        height=10,
        width=20,
        instances=[
            dict(bbox=[1, 2, 4, 6.5], bbox_label=1, ignore_flag=0),
            dict(bbox=[0, 0, 20, 10], bbox_label=0, ignore_flag=0),
        ],
        # the relation of a box to itself has gone
        relations=[
            dict(pair=[1, 0], predicate_label=1),
            dict(pair=[0, 1], predicate_label=0),
        ],
        sample_idx=1,
    )
    assert dataset[2]['instances'] == dataset[2]['relations'] == []
    assert count_relations(dataset)[0, 1].tolist() == [0, 1, 0]


def test_images_are_looked_for(tmp_path):
    (tmp_path / 'pictures' / 'sub').mkdir(parents=True)
    path = tmp_path / 'pictures' / 'sub' / 'b.png'
    path.write_bytes(b'')
    dataset = opened(
        tmp_path,
        SMALL,
        image_folders=('',),
        data_prefix=dict(img='pictures'),
    )
    assert dataset[0]['img_path'] == str(path)
    with pytest.raises(FileNotFoundError, match=r'a\.jpg.*data_prefix='):
        dataset[1]


def test_metainfo_orders_the_names(tmp_path):
    names = dict(classes=('rat', 'hat', 'cat'), predicates=('under', 'on'))
    dataset = opened(tmp_path, SMALL, metainfo=names)
    assert dataset.metainfo['classes'] == names['classes']
    labels = [row['bbox_label'] for row in dataset[1]['instances']]
    assert labels == [1, 2]
    labels = [row['predicate_label'] for row in dataset[1]['relations']]
    assert labels == [0, 1]
    for field, wrong, entry in (
        ('classes', ('cat', 'bat'), r'categories\[1\]'),
        ('predicates', ('on',), r'predicates\[1\]'),
    ):
        with pytest.raises(ValueError, match=rf'{entry}.*metainfo=.*{field}'):
            opened(tmp_path, SMALL, metainfo=names | {field: wrong})


def test_lazy_and_wrapped(tmp_path):
    dataset = opened(tmp_path, SMALL, lazy_init=True)
    assert not dataset._fully_initialized
    assert dataset.metainfo['classes'] == ('cat', 'hat')
    config = dict(
        type='SceneGraphJsonDataset',
        ann_file='all.json',
        data_root=str(tmp_path),
        image_folders=(),
    )
    repeated = DATASETS.build(
        dict(type='RepeatDataset', times=2, dataset=config)
    )
    assert repeated.metainfo['predicates'] == ('on', 'under')
    assert repeated[4] == dataset[1]


def test_empty_lists(tmp_path):
    content = SMALL | dict(annotations=[], relations=[])
    dataset = opened(tmp_path, content)
    assert [len(dataset[i]['instances']) for i in range(3)] == [0, 0, 0]
    assert len(opened(tmp_path, content, filter_empty_relations=True)) == 0
    assert len(opened(tmp_path, content | dict(images=[]))) == 0


@given(st.integers(0, 2**32))
def test_reads_what_was_written(tmp_path_factory, seed):
    graphs = random_graphs(seed)
    folder = tmp_path_factory.mktemp('json')
    names = [f'class {k}' for k in range(3)], ['on', 'under']
    write_scene_graph_json(folder / 'all.json', graphs, *names)
    dataset = SceneGraphJsonDataset(
        ann_file='all.json',
        data_root=str(folder),
        image_folders=(),
        filter_self_relations=False,
    )
    assert images_of(dataset.scene_graphs) == images_of(graphs)
    assert dataset.metainfo['classes'] == tuple(names[0])
    files = dataset.scene_graphs.file_names
    assert files.tolist() == [f'{i}.jpg' for i in graphs.img_ids]


@pytest.mark.parametrize(
    ('place', 'value', 'words'),
    [
        (('relations', 2, 'subject_id'), 5, 'subject_id 5, which is the id '
         'of none of the 4 annotations'),
        (('relations', 2, 'object_id'), [1], 'object_id [1], which is'),
        (('relations', 1, 'image_id'), 1, 'none of the 3 images'),
        (('relations', 1, 'image_id'), 3, 'a subject_id of annotations[1], '
         'which is in another image'),
        (('relations', 1, 'object_id'), 1, 'an object_id of annotations[0], '
         'which is in another image'),
        (('relations', 3, 'predicate_id'), 1, 'none of the 2 predicates'),
        (('relations', 3), {}, "no 'image_id'"),
        (('annotations', 1, 'image_id'), 8, 'none of the 3 images'),
        (('annotations', 1, 'category_id'), 1, 'none of the 2 categories'),
        (('annotations', 1, 'id'), 9, None),
        (('annotations', 2, 'id'), 2, 'the id of annotations[1] again'),
        (('annotations', 2, 'id'), 'x', 'of another type than annotations[0]'),
        (('annotations', 2, 'id'), None, 'a number or a string as id'),
        (('annotations', 3, 'bbox'), [1, 2, 3], 'not [x, y, width, height]'),
        (('annotations', 3, 'bbox'), [1, 2, 0, 4], 'above 0'),
        (('annotations', 3, 'bbox'), [1, 2, float('nan'), 4], 'above 0'),
        (('annotations', 3, 'bbox'), [41, 2, 5, 4],
         'has no area inside its 40 x 30 pixels'),
        (('images', 1), dict(id=3, width=4, height=4), "no 'file_name'"),
        (('images', 1, 'id'), 7, 'the id of images[0] again'),
        (('images', 0, 'width'), 0, 'width and height must be'),
        (('images', 0, 'height'), '30', 'width and height must be'),
        (('categories', 1, 'name'), 'cat', 'the name of categories[0] again'),
        (('predicates', 1), 'on', "no 'id'"),
    ],
)  # fmt: skip
def test_refuses(tmp_path, place, value, words):
    content = copy.deepcopy(SMALL)
    *path, key = place
    parent = content
    for step in path:
        parent = parent[step]
    parent[key] = value
    if words is None:
        place, words = ('annotations', 2), 'the id of annotations[1] again'
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        opened(tmp_path, content)
    for word in ('all.json', f'{place[0]}[{place[1]}]'):
        assert word in str(caught.value)


@pytest.mark.parametrize('key', ['relations', 'predicates', 'images'])
def test_refuses_a_missing_list(tmp_path, key):
    content = {name: value for name, value in SMALL.items() if name != key}
    with pytest.raises(ValueError, match=f'no list {key!r}.*custom_dataset'):
        opened(tmp_path, content)


def test_refuses_what_is_no_file_of_graphs(tmp_path):
    with pytest.raises(ValueError, match="no list 'images'"):
        opened(tmp_path, [1, 2])
    with pytest.raises(FileNotFoundError, match=r'x\.json not found; pass'):
        SceneGraphJsonDataset(ann_file='x.json', data_root=str(tmp_path))
    (tmp_path / 'x.json').write_text('{"images": [')
    with pytest.raises(ValueError, match=r'x\.json is not JSON'):
        SceneGraphJsonDataset(ann_file='x.json', data_root=str(tmp_path))


def test_strings_are_ids_too(tmp_path):
    content = copy.deepcopy(SMALL)
    for image in content['images']:
        image['id'] = f'image {image["id"]}'
    for row in content['annotations'] + content['relations']:
        row['image_id'] = f'image {row["image_id"]}'
    dataset = opened(tmp_path, content)
    assert dataset[1]['img_id'] == 'image 3'
    assert np.array_equal(
        dataset.relation_triplets(),
        opened(tmp_path, SMALL).relation_triplets(),
    )


@pytest.mark.parametrize(
    'name', ['on the left of', 'Right of', 'left_of', 'to-the-RIGHT', 'leftOf']
)
def test_images_are_not_flipped_where_a_predicate_has_a_side(tmp_path, name):
    data = copy.deepcopy(SMALL)
    data['predicates'][0]['name'] = name
    (tmp_path / 'all.json').write_text(json.dumps(data))
    flip = dict(type='mmdet.RandomFlip', prob=0.5)

    def build(*steps):
        dataset = SceneGraphJsonDataset(
            ann_file='all.json', data_root=str(tmp_path), pipeline=steps
        )
        return len(dataset)

    boxes = dict(type='mmdet.LoadAnnotations', with_bbox=True)
    relations = dict(type='LoadRelationAnnotations')
    assert build(relations) == build(boxes, flip) == 3  # of a detector
    with pytest.raises(ValueError, match=f'all.json: RandomFlip.*{name}'):
        build(relations, flip)
    inside = dict(type='mmdet.ProposalBroadcaster', transforms=[flip])
    with pytest.raises(ValueError, match=f'RandomFlip.*{name}'):
        build(relations, inside)
    data['predicates'][0]['name'] = 'bright_leftover'
    (tmp_path / 'all.json').write_text(json.dumps(data))
    assert build(relations, flip) == 3


def test_reading_takes_time_in_proportion(tmp_path):
    """Not the square of it, which took minutes for 100,000 boxes.

    8 times the boxes, 8 times the time and not 64; the least of three each,
    as other programs slow some of them down.
    """
    seconds = []
    for number in (5_000, 40_000):
        boxes = [
            dict(id=k, image_id=7, category_id=10, bbox=[1, 2, 3, 4])
            for k in range(number)
        ]
        data = SMALL | dict(annotations=boxes, relations=[])
        tries = []
        for _ in range(3):
            dataset = opened(tmp_path, data, lazy_init=True)
            start = time.process_time()
            dataset.full_init()
            tries.append(time.process_time() - start)
        seconds.append(min(tries))
    assert seconds[1] < 36 * seconds[0]
