"""OpenImagesDataset on small files."""

import json

import numpy as np
import pytest

from mmsgg.datasets import OpenImagesDataset
from mmsgg.registry import DATASETS
from mmsgg.structures.bbox import box_ious


def small_images():
    return [
        dict(
            img_fn='00ab',
            img_size=[40, 30],
            bbox=[[1, 2, 50, 20], [5, 6, 7, 8.5], [39, 3, 41, 9]],
            det_labels=[0, 2, 1],
            rel=[[0, 1, 1], [1, 2, 0], [0, 1, 1]],
        ),
        dict(img_fn='lone', img_size=[40, 30], bbox=[[0, 0, 9, 9]],
             det_labels=[1], rel=[]),
        dict(img_fn='none', img_size=[40, 30], bbox=[], det_labels=[],
             rel=[]),
        dict(img_fn='ff', img_size=[20, 10], det_labels=[1, 0],
             bbox=[[0, 0, 9, 9], [-2, 0, 9, 9]], rel=[[1, 0, 0]]),
    ]  # fmt: skip


def write(folder, images, split='train'):
    (folder / 'annotations').mkdir(exist_ok=True)
    path = folder / 'annotations' / f'vrd-{split}-anno.json'
    path.write_text(json.dumps(images))
    names = dict(obj=['cat', 'hat', 'mat'], rel=['on', 'under'])
    path = folder / 'annotations' / 'categories_dict.json'
    path.write_text(json.dumps(names))
    return folder


def build(folder, split='train', **kwargs):
    settings = dict(data_root=str(folder), split=split, image_folders=())
    return OpenImagesDataset(**settings | kwargs)


def test_items(tmp_path):
    write(tmp_path, small_images())
    dataset = DATASETS.build(
        dict(
            type='OpenImagesDataset',
            data_root=str(tmp_path),
            image_folders=(),
        )
    )
    assert dataset.metainfo['classes'] == ('cat', 'hat', 'mat')
    assert dataset.metainfo['predicates'] == ('on', 'under')
    # images without relations are left out
    assert [dataset[i]['img_id'] for i in range(len(dataset))] == [
        '00ab',
        'ff',
    ]
    item = dataset[0]
    assert item['img_path'].endswith('00ab.jpg')
    assert (item['width'], item['height']) == (40, 30)
    # clipped at the last pixel; the third is a pixel wide, which trains nobody
    assert item['instances'] == [
        dict(bbox=[1, 2, 39, 20], bbox_label=0, ignore_flag=0),
        dict(bbox=[5, 6, 7, 8.5], bbox_label=2, ignore_flag=0),
    ]
    assert item['relations'] == [dict(pair=[0, 1], predicate_label=1)] * 2


def test_names_of_the_metainfo_decide(tmp_path):
    names = dict(classes=['mat', 'hat', 'cat'], predicates=['under', 'on'])
    dataset = build(write(tmp_path, small_images()), metainfo=names)
    labels = [one['bbox_label'] for one in dataset[0]['instances']]
    assert labels == [2, 0]  # a cat and a mat, 0 and 2 in the file
    assert (
        dataset[0]['relations'] == [dict(pair=[0, 1], predicate_label=0)] * 2
    )


def test_a_test_keeps_all_rows(tmp_path):
    folder = write(tmp_path, small_images(), 'test')
    dataset = build(folder, 'test', merge_duplicate_relations=True)
    boxes = [one['bbox'] for one in dataset[0]['instances']]
    assert boxes == [[1, 2, 39, 20], [5, 6, 7, 8.5], [39, 3, 40, 9]]
    assert [
        (r['pair'], r['predicate_label']) for r in dataset[0]['relations']
    ] == [([0, 1], 1), ([1, 2], 0)]
    whole = build(folder, 'test', last_pixel=False)
    assert whole[0]['instances'][0]['bbox'] == [1, 2, 40, 20]
    assert len(build(folder, 'test', filter_empty_relations=False)) == 4


def test_a_test_takes_a_box_of_one_pixel_as_its_protocol_does(tmp_path):
    """PySGG keeps x1 = x2 and counts both border pixels: IoU 1, not 1 / 2."""
    images = small_images()[:1]
    images[0]['bbox'] = [[5, 6, 5, 8], [39, 3, 41, 9], [9, 7, 8, 7]]
    dataset = build(write(tmp_path, images, 'test'), 'test', test_mode=True)
    boxes = np.array([one['bbox'] for one in dataset[0]['instances']])
    assert boxes.tolist() == [[5, 6, 5, 8], [39, 3, 39, 9], [9, 7, 9, 7]]
    found = np.array([[5, 6, 5, 8], [39, 3, 39, 9]])
    assert box_ious(boxes[:2], found).diagonal().tolist() == [1, 1]
    # what trains needs an area: there boxes are encoded by their logarithm
    wide = build(write(tmp_path, images), degenerate_boxes='widen')
    boxes = [one['bbox'] for one in wide[0]['instances']]
    assert boxes == [[5, 6, 6, 8], [39, 3, 40, 9], [9, 7, 10, 8]]


def test_what_is_clipped_is_counted(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    len(build(write(tmp_path, small_images())))
    assert '(3 clipped to their image)' in lines[0]
    assert '2 images in which no relation remains' in lines[0]
    assert '1 boxes without an area, 1 relations of such boxes' in lines[0]


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(det_labels=[0, 3, 1]), "'00ab'.*classes.*3 there are"),
        (dict(det_labels=[0, -2, 1]), "'00ab'.*classes.*3 there are"),
        (dict(det_labels=[0, 1]), "'00ab'.*3 boxes, but 2 classes"),
        (dict(rel=[[0, 3, 0]]), "'00ab'.*box rows.*3 there are"),
        (dict(rel=[[0, 1, -1]]), "'00ab'.*predicates.*2 there are"),
        (dict(img_size=[40, 0]), "'00ab'.*a size of"),
        (dict(img_size=[40]), "'00ab'.*a size of"),
        (dict(bbox=None), "'00ab'"),
    ],
)
def test_refusals(tmp_path, change, words):
    images = small_images()
    images[0] |= change
    folder = write(tmp_path, images)
    with pytest.raises(ValueError, match=words) as caught:
        build(folder)
    assert 'vrd-train-anno.json' in str(caught.value)
    assert len(build(folder, bad_rows='drop')) <= 2


def test_what_is_wrong_twice_counts_once(tmp_path):
    images = small_images()
    images[0]['rel'] = [[0, 9, 9]]
    dataset = build(write(tmp_path, images), bad_rows='drop')
    assert dataset.bad_rows.counts == {'bad relations': 1}


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'docs/datasets\.md'):
        build(tmp_path)
    write(tmp_path, {})
    with pytest.raises(ValueError, match='no list of images'):
        build(tmp_path)
    with pytest.raises(ValueError, match="split='dev'"):
        build(tmp_path, 'dev')
    (tmp_path / 'annotations' / 'categories_dict.json').write_text('{}')
    with pytest.raises(ValueError, match="no list of names 'obj'"):
        build(tmp_path)
