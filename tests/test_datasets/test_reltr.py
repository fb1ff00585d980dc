"""RelTRDataset, and SGG-Benchmark's keys, on small files."""

import json

import pytest

from mmsgg.datasets import RelTRDataset, SceneGraphJsonDataset
from mmsgg.registry import DATASETS

from .test_coco_relations import SMALL, opened


def small_files():
    boxes = dict(
        images=[
            dict(id=7, file_name='7.jpg', width=40, height=30),
            dict(id=9, file_name='9.jpg', width=20, height=10),
        ],
        categories=[dict(id=1, name='cat'), dict(id=2, name='hat')],
        annotations=[
            dict(id=0, image_id=9, category_id=2, bbox=[1, 2, 3, 4]),
            dict(id=1, image_id=7, category_id=1, bbox=[5, 6, 7, 8]),
            dict(id=2, image_id=7, category_id=2, bbox=[5, 6, 0, 8]),
            dict(id=3, image_id=7, category_id=2, bbox=[1, 1, 9, 9]),
        ],
    )
    relations = dict(
        rel_categories=['__background__', 'on', 'under'],
        train={'7': [[0, 2, 1], [0, 1, 2], [2, 0, 2], [0, 2, 1]]},
        val={},
        test={},
    )
    return boxes, relations


def write(folder, boxes, relations):
    (folder / 'train.json').write_text(json.dumps(boxes))
    (folder / 'rel.json').write_text(json.dumps(relations))
    return folder


def build(folder, **kwargs):
    return RelTRDataset(data_root=str(folder), image_folders=(), **kwargs)


def rows(item):
    return [(r['pair'], r['predicate_label']) for r in item['relations']]


def test_an_empty_box_does_not_shift_relations(tmp_path):
    write(tmp_path, *small_files())
    dataset = DATASETS.build(
        dict(type='RelTRDataset', data_root=str(tmp_path), image_folders=())
    )
    assert dataset.metainfo['classes'] == ('cat', 'hat')
    assert dataset.metainfo['predicates'] == ('on', 'under')
    assert dataset[0]['img_id'] == 7
    boxes = [one['bbox'] for one in dataset[0]['instances']]
    assert boxes == [[5, 6, 12, 14], [1, 1, 10, 10]]
    assert rows(dataset[0]) == [([0, 1], 0), ([1, 0], 1), ([0, 1], 0)]
    assert dataset[1]['relations'] == []
    merged = build(tmp_path, merge_duplicate_relations=True)
    assert rows(merged[0]) == [([0, 1], 0), ([1, 0], 1)]
    widened = build(tmp_path, degenerate_boxes='widen')
    assert rows(widened[0])[1] == ([0, 1], 1)


def test_predicates_without_background(tmp_path):
    """The files of Open Images count from 0."""
    boxes, relations = small_files()
    relations['rel_categories'] = ['on', 'under', 'near']
    dataset = build(write(tmp_path, boxes, relations))
    assert dataset.metainfo['predicates'] == ('on', 'under', 'near')
    assert rows(dataset[0]) == [([0, 1], 1), ([1, 0], 2), ([0, 1], 1)]


@pytest.mark.parametrize(
    ('row', 'words'),
    [
        ([0, 3, 1], 'names a box, of which the image has 3'),
        ([-1, 0, 1], 'names a box'),
        ([0, 1, 0], 'a predicate that is none'),
        ([0, 1, 3], 'a predicate that is none'),
        ([0, 1], r'is not \[subject'),
        ('on', r'is not \[subject'),
    ],
)
def test_refusals(tmp_path, row, words):
    boxes, relations = small_files()
    relations['train']['7'].append(row)
    folder = write(tmp_path, boxes, relations)
    with pytest.raises(ValueError, match=f"relation 4 of image '7'.*{words}"):
        build(folder)
    assert len(build(folder, bad_rows='drop')[0]['relations']) == 3


def test_files_that_do_not_fit(tmp_path):
    boxes, relations = small_files()
    relations['train']['8'] = [[0, 0, 1]]
    with pytest.raises(ValueError, match=r"'8'.*train\.json has not"):
        build(write(tmp_path, boxes, relations))
    del relations['train']
    with pytest.raises(ValueError, match="the 'train' of"):
        build(write(tmp_path, boxes, relations))
    with pytest.raises(ValueError, match='rel_categories'):
        build(write(tmp_path, boxes, {}))
    with pytest.raises(FileNotFoundError, match=r'docs/datasets\.md'):
        build(tmp_path, split='val')
    with pytest.raises(ValueError, match="split='dev'"):
        build(tmp_path, split='dev')


def coco_rel():
    content = dict(SMALL)
    content['rel_categories'] = content.pop('predicates')
    content['rel_annotations'] = content.pop('relations')
    return content


def test_keys_of_sgg_benchmark(tmp_path):
    content = coco_rel()
    theirs = opened(tmp_path, content)
    items = [theirs[i] for i in range(len(theirs))]
    ours = opened(tmp_path, SMALL)
    assert items == [ours[i] for i in range(len(ours))]
    assert theirs.metainfo['predicates'] == ('on', 'under')
    content['rel_annotations'] = [
        *content['rel_annotations'],
        dict(image_id=3, subject_id=9, object_id=1, predicate_id=77),
    ]
    with pytest.raises(ValueError, match=r'rel_annotations\[4\].*77'):
        opened(tmp_path, content)
    assert isinstance(theirs, SceneGraphJsonDataset)
