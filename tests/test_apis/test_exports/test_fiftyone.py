"""Predictions for FiftyOne, and what it exports after they were corrected."""

import json

import pytest

from mmsgg.apis.exports import read_fiftyone, write_fiftyone
from mmsgg.datasets import SceneGraphJsonDataset

from .graphs import GRAPH

EMPTY = dict(GRAPH, id='b', file_name='b/8.jpg', objects=[], triplets=[])


@pytest.fixture
def labels(tmp_path):
    """What is written of two graphs, and the file."""
    path = tmp_path / 'labels.json'
    write_fiftyone(path, iter([EMPTY, GRAPH]))
    return json.loads(path.read_text()), path


def test_the_boxes_are_those_of_coco(labels):
    lists, _ = labels
    assert [(i['id'], i['file_name']) for i in lists['images']] == [
        (1, 'b/8.jpg'), (2, '7.jpg')
    ]  # fmt: skip
    names = {c['id']: c['name'] for c in lists['categories']}
    assert [names[a['category_id']] for a in lists['annotations']] == [
        'man', 'hat', '2'
    ]  # fmt: skip
    first, second, third = lists['annotations']
    assert [a['image_id'] for a in lists['annotations']] == [2, 2, 2]
    assert first['bbox'] == [0.0, 0.0, 9.0, 9.5]
    assert second['bbox'] == [5.0, 5.0, 4.0, 4.0]
    assert (second['area'], second['score'], second['iscrowd']) == (16, 1.0, 0)
    assert [a['object_id'] for a in (first, second, third)] == [0, 4, 5]
    assert first['relations'] == ['wears 4', '2 4']
    assert second['relations'] == ['on 0']
    assert third['relations'] == []


def test_corrected_boxes_train(labels, tmp_path):
    """What FiftyOne 1.22 exported, with a class changed and a box drawn."""
    lists, path = labels
    lists['categories'] = [
        dict(id=number, name=name, supercategory=None)
        for number, name in enumerate(['2', 'coat', 'man', 'tie'], start=1)
    ]
    for item, label in zip(lists['annotations'], (3, 2, 1), strict=True):
        item['category_id'] = label
    drawn = dict(id=4, image_id=2, category_id=4, bbox=[1.0, 2.0, 3.0, 4.0])
    lists['annotations'].append(dict(drawn, area=12.0, iscrowd=0))
    lists['annotations'].pop(2)
    path.write_text(json.dumps(lists))
    path.write_text(json.dumps(read_fiftyone(path)))
    dataset = SceneGraphJsonDataset(
        ann_file=path.name, data_root=str(tmp_path), image_folders=()
    )
    assert dataset[0]['instances'] == []
    item, meta = dataset[1], dataset.metainfo
    found = [
        (meta['classes'][i['bbox_label']], i['bbox'])
        for i in item['instances']
    ]
    assert found == [
        ('man', [0, 0, 9, 9.5]),
        ('coat', [5, 5, 9, 9]),
        ('tie', [1, 2, 4, 6]),
    ]
    assert [
        (*r['pair'], meta['predicates'][r['predicate_label']])
        for r in item['relations']
    ] == [(0, 1, 'wears'), (0, 1, '2'), (1, 0, 'on')]


def test_a_relation_goes_with_its_object(labels):
    lists, path = labels
    lists['annotations'].pop(0)
    path.write_text(json.dumps(lists))
    back = read_fiftyone(path)
    assert back['relations'] == back['predicates'] == []


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        (dict(relations=['on']), "'on' is no predicate and object_id"),
        (dict(relations=['on mat']), "'on mat' is no predicate"),
        (dict(object_id=4), 'two boxes of image 2 have object_id 4'),
    ],
)
def test_what_was_typed_wrong_is_named(labels, changed, message):
    lists, path = labels
    lists['annotations'][0].update(changed)
    path.write_text(json.dumps(lists))
    with pytest.raises(ValueError, match=message):
        read_fiftyone(path)


def test_the_size_is_needed(tmp_path):
    with pytest.raises(ValueError, match=r'FiftyOne needs .* image 7'):
        write_fiftyone(tmp_path / 'a.json', [dict(GRAPH, width=None)])
