"""PSGDataset and the masks of its items, on small files."""

import json

import cv2
import numpy as np
import pytest

from mmsgg.datasets import PSGDataset
from mmsgg.registry import DATASETS

SEGMENTS = (70_000, 300, 5)


def small_content():
    """Two training images of 40 x 30 and a test image, three segments each."""

    def image(number, relations):
        boxes = [[0, 0, 20, 30], [20, 0, 40, 10], [20, 10, 40, 30]]
        return dict(
            image_id=str(number),
            file_name=f'train2017/{number}.jpg',
            pan_seg_file_name=f'panoptic_train2017/{number}.png',
            width=40,
            height=30,
            annotations=[
                dict(bbox=box, bbox_mode=0, category_id=label)
                for box, label in zip(boxes, (1, 2, 0), strict=True)
            ],
            segments_info=[
                dict(id=key, category_id=label, isthing=int(label < 2),
                     iscrowd=0, area=100)
                for key, label in zip(SEGMENTS, (1, 2, 0), strict=True)
            ],
            relations=relations,
        )  # fmt: skip

    return dict(
        data=[
            image(11, [[0, 1, 1], [0, 1, 0], [0, 1, 1], [2, 0, 0]]),
            image(12, [[1, 2, 1]]),
            image(13, []),
        ],
        thing_classes=['cat', 'hat'],
        stuff_classes=['sky'],
        predicate_classes=['on', 'under'],
        test_image_ids=[12],
    )


def write(folder, content=None):
    content = content or small_content()
    (folder / 'psg').mkdir(parents=True, exist_ok=True)
    (folder / 'psg' / 'psg.json').write_text(json.dumps(content))
    for name in ('train2017', 'panoptic_train2017'):
        (folder / 'coco' / name).mkdir(parents=True, exist_ok=True)
    for image in content['data']:
        path = folder / 'coco' / image['file_name']
        cv2.imwrite(str(path), np.full((30, 40, 3), 9, np.uint8))
        ids = np.zeros((30, 40), dtype=int)
        for box, key in zip(image['annotations'], SEGMENTS, strict=True):
            x1, y1, x2, y2 = box['bbox']
            ids[y1:y2, x1:x2] = key
        ids[29, 39] = 0  # void
        blue_first = np.stack([ids // 65536, ids // 256 % 256, ids % 256], 2)
        path = folder / 'coco' / image['pan_seg_file_name']
        cv2.imwrite(str(path), blue_first.astype(np.uint8))
    return folder


def build(folder, split='train', **kwargs):
    return PSGDataset(data_root=str(folder), split=split, **kwargs)


PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticRelations'),
    dict(type='Resize', scale=(80, 60), keep_ratio=True),
    dict(type='RandomFlip', prob=1.0),
    dict(type='PackSGInputs'),
]


def test_items(tmp_path):
    dataset = DATASETS.build(
        dict(type='PSGDataset', data_root=str(write(tmp_path)))
    )
    assert dataset.metainfo['classes'] == ('cat', 'hat', 'sky')
    assert dataset.metainfo['predicates'] == ('on', 'under')
    assert dataset.metainfo['num_things'] == 2
    item = dataset.get_data_info(0)
    assert item['img_id'] == '11'
    assert item['img_path'] == str(tmp_path / 'coco/train2017/11.jpg')
    assert item['seg_map_path'] == str(
        tmp_path / 'coco/panoptic_train2017/11.png'
    )
    assert (item['width'], item['height']) == (40, 30)
    assert item['instances'][2] == dict(
        bbox=[20, 10, 40, 30], bbox_label=0, ignore_flag=0, segment_id=5
    )
    assert [(r['pair'], r['predicate_label']) for r in item['relations']] == [
        ([0, 1], 1),
        ([0, 1], 0),
        ([0, 1], 1),
        ([2, 0], 0),
    ]
    assert [dataset[i]['img_id'] for i in range(len(dataset))] == ['11', '13']
    test = build(tmp_path, 'test', filter_empty_relations=True)
    assert [test[i]['img_id'] for i in range(len(test))] == ['12']


def test_names_of_the_metainfo_decide(tmp_path):
    write(tmp_path)
    names = dict(classes=('hat', 'sky', 'rat', 'cat'), predicates=('at', 'on'))
    dataset = build(tmp_path, metainfo=names, bad_rows='drop')
    # cat, hat and sky are 0, 1 and 2 in the file, on and under 0 and 1
    labels = [one['bbox_label'] for one in dataset[0]['instances']]
    assert labels == [0, 1, 3]
    assert [
        (r['pair'], r['predicate_label']) for r in dataset[0]['relations']
    ] == [([0, 1], 1), ([2, 0], 1)]
    assert 'num_things' not in dataset.metainfo
    with pytest.raises(ValueError, match=r"'11'.*predicates.*2 there are"):
        build(tmp_path, metainfo=names)
    things_first = dict(classes=('hat', 'cat', 'sky'))
    assert build(tmp_path, metainfo=things_first).metainfo['num_things'] == 2


def test_duplicates_are_merged_on_demand(tmp_path):
    dataset = build(write(tmp_path), merge_duplicate_relations=True)
    assert [
        (r['pair'], r['predicate_label']) for r in dataset[0]['relations']
    ] == [([0, 1], 1), ([0, 1], 0), ([2, 0], 0)]


def test_masks_follow_image_and_boxes(tmp_path):
    sample = build(write(tmp_path), pipeline=PIPELINE)[0]['data_samples']
    masks = sample.gt_instances.masks.masks
    assert masks.shape == (3, 60, 80)
    # the left half, flipped to the right one
    assert masks[0, :, 40:].all()
    assert not masks[0, :, :40].any()
    assert masks[1].sum() == 20 * 40
    assert sample.gt_instances.bboxes.tensor[0].tolist() == [40, 0, 80, 60]


def test_masks_of_a_test_are_of_the_original_image(tmp_path):
    steps = [PIPELINE[0], PIPELINE[2], PIPELINE[1], PIPELINE[4]]
    dataset = build(write(tmp_path), 'test', pipeline=steps, test_mode=True)
    masks = dataset[0]['data_samples'].gt_instances.masks.masks
    assert [mask.sum() for mask in masks] == [600, 200, 399]
    assert dataset[0]['inputs'].shape == (3, 60, 80)


def test_masks_stay_with_their_boxes(tmp_path):
    content = small_content()
    content['data'][0]['annotations'][0]['bbox'] = [5, 5, 5, 5]
    content['data'][0]['annotations'][1]['category_id'] = 7
    dataset = build(
        write(tmp_path, content), bad_rows='drop', filter_empty_relations=True
    )
    assert not len(dataset)
    dataset = build(tmp_path, bad_rows='drop')
    assert [i['segment_id'] for i in dataset[0]['instances']] == [5]
    subset = dataset.get_subset([1])
    assert subset[0]['seg_map_path'].endswith('13.png')
    ids = [i['segment_id'] for i in subset[0]['instances']]
    assert ids == list(SEGMENTS)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda c: c.pop('thing_classes'), "no list of names 'thing_classes'"),
        (lambda c: c.pop('test_image_ids'), "no list 'test_image_ids'"),
        (
            lambda c: c['data'][0]['segments_info'].pop(),
            "image '11'.*3 annotations, but 2 segments",
        ),
        (
            lambda c: c['data'][0].pop('pan_seg_file_name'),
            "image '11'.*no 'pan_seg_file_name'",
        ),
        (
            lambda c: c['data'][0]['relations'].append([0, 3, 1]),
            "image '11'.*box rows.*3 there are",
        ),
        (
            lambda c: c['data'][0]['relations'].append([0, 1, 2]),
            "image '11'.*predicates.*2 there are",
        ),
        (
            lambda c: c['data'][0]['annotations'][1].update(category_id=3),
            "image '11'.*classes.*3 there are",
        ),
    ],
)
def test_refusals(tmp_path, change, words):
    content = small_content()
    change(content)
    (tmp_path / 'psg').mkdir()
    (tmp_path / 'psg' / 'psg.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=words) as caught:
        build(tmp_path)
    assert 'psg.json' in str(caught.value)


def test_masks_that_do_not_fit(tmp_path):
    dataset = build(write(tmp_path), pipeline=PIPELINE)
    path = tmp_path / 'coco' / 'panoptic_train2017' / '11.png'
    cv2.imwrite(str(path), np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(ValueError, match=r'11\.png.*segment 70000'):
        dataset[0]
    cv2.imwrite(str(path), np.zeros((30, 39, 3), np.uint8))
    with pytest.raises(ValueError, match=r'39 x 30 pixels.*40 x 30'):
        dataset[0]
    path.write_bytes(b'')
    with pytest.raises(ValueError, match=r'11\.png does not decode'):
        dataset[0]
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r'11\.png.*seg='):
        dataset[0]
    with pytest.raises(ValueError, match="split='val'"):
        build(tmp_path, 'val')
