"""The written toy data set, read back."""

import hashlib
import json

import cv2
import h5py
import numpy as np
import pytest

from mmsgg.datasets import (
    TOY_CLASSES,
    TOY_PREDICATES,
    SceneGraphArrays,
    ToyVGDataset,
    count_relations,
)
from mmsgg.registry import DATASETS
from mmsgg.testing import ToySceneSampler, relations_of, write_toy_vg
from mmsgg.testing.toy_vg_writer import label_prior_recall, recall_ceiling

NUM_TRAIN, NUM_TEST = 500, 120


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp('toy')
    stats = write_toy_vg(folder, NUM_TRAIN, NUM_TEST, progress=False)
    return folder, stats


def digest(folder):
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.md5(
            path.read_bytes()
        ).hexdigest()
        for path in files
        if path.suffix != '.h5'
    }


def test_layout_is_that_of_the_real_files(toy):
    folder, stats = toy
    with h5py.File(folder / 'VG-SGG.h5') as file:
        arrays = {key: file[key][...] for key in file}
    images, boxes, rows = (stats[k] for k in ('images', 'boxes', 'relations'))
    assert images == NUM_TRAIN + NUM_TEST
    assert {key: array.shape for key, array in arrays.items()} == {
        'split': (images,),
        'img_to_first_box': (images,),
        'img_to_last_box': (images,),
        'img_to_first_rel': (images,),
        'img_to_last_rel': (images,),
        'labels': (boxes, 1),
        'boxes_1024': (boxes, 4),
        'boxes_512': (boxes, 4),
        'active_object_mask': (boxes, 1),
        'predicates': (rows, 1),
        'relationships': (rows, 2),
    }
    assert np.bincount(arrays['split']).tolist() == [NUM_TRAIN, 0, NUM_TEST]
    # the splits are mixed
    assert 0 < np.flatnonzero(arrays['split'] == 2)[0] < 60
    assert all(array.dtype.kind in 'ib' for array in arrays.values())
    np.testing.assert_allclose(
        arrays['boxes_1024'] / 2, arrays['boxes_512'], atol=0.51
    )
    for kind in ('box', 'rel'):
        first = arrays[f'img_to_first_{kind}']
        assert ((first == -1) == (arrays[f'img_to_last_{kind}'] == -1)).all()
        # some images have none, most do
        assert 0 < (first == -1).sum() < 0.12 * images


def test_images_are_halved_between_the_folders(toy):
    folder, stats = toy
    names = [
        {path.stem for path in (folder / name).iterdir()}
        for name in ('VG_100K', 'VG_100K_2')
    ]
    assert len(names[0]) == len(names[1]) == stats['images'] / 2
    entries = json.loads((folder / 'image_data.json').read_text())
    corrupted = {'1592', '1722', '4616', '4617'}
    assert {str(e['image_id']) for e in entries} == (
        names[0] | names[1] | corrupted
    )


def in_order(names, boxes, relations):
    """Number objects by name and place, whatever their order was."""
    keys = [(name, *box) for name, box in zip(names, boxes, strict=True)]
    order = sorted(range(len(names)), key=keys.__getitem__)
    rank = {old: new for new, old in enumerate(order)}
    rows = sorted((rank[i], rank[j], name) for i, j, name in relations)
    return [names[i] for i in order], [boxes[i] for i in order], rows


def test_what_is_read_is_what_was_drawn(toy):
    folder, _ = toy
    dataset = ToyVGDataset(data_root=str(folder), split='test', num_val=0)
    drawn = []
    for i in range(NUM_TEST):
        scene = ToySceneSampler(np.random.default_rng([0, 2, i])).sample()
        names = [thing.name for thing in scene.objects]
        boxes = [thing.box for thing in scene.objects]
        truth = in_order(names, boxes, relations_of(scene))
        if names:
            drawn.append(((scene.width, scene.height), *truth))
    assert len(dataset) == len(drawn)
    for i in range(len(dataset)):
        item = dataset.get_data_info(i)
        names = [TOY_CLASSES[r['bbox_label']] for r in item['instances']]
        boxes = [row['bbox'] for row in item['instances']]
        relations = [
            (*row['pair'], TOY_PREDICATES[row['predicate_label']])
            for row in item['relations']
        ]
        names, boxes, rows = in_order(names, boxes, relations)
        size = item['width'], item['height']
        # each drawn picture is found once
        (match,) = (
            k
            for k, graph in enumerate(drawn)
            if (graph[0], graph[1], graph[3]) == (size, names, rows)
            and np.allclose(graph[2], boxes, atol=0.2)
        )
        del drawn[match]
        assert cv2.imread(item['img_path']).shape == (*size[::-1], 3)
    assert drawn == []


def test_same_seed_same_files(tmp_path):
    folders = [tmp_path / name for name in 'abc']
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        write_toy_vg(folder, 6, 2, seed=seed, progress=False)
    first, second, third = (digest(folder) for folder in folders)
    assert first == second
    assert first.keys() == third.keys()
    assert all(first[k] != third[k] for k in first if k.endswith('.jpg'))
    for key in ('boxes_1024', 'labels', 'relationships', 'predicates'):
        arrays = []
        for folder in folders[:2]:
            with h5py.File(folder / 'VG-SGG.h5') as file:
                arrays.append(file[key][...])
        np.testing.assert_array_equal(*arrays)


def test_statistics(toy):
    folder, stats = toy
    splits = [
        ToyVGDataset(data_root=str(folder), split=split, num_val=0)
        for split in ('train', 'test')
    ]
    triplets = np.concatenate([data.relation_triplets() for data in splits])
    assert stats['relations'] == len(triplets)
    assert stats['boxes'] == sum(len(d.scene_graphs.boxes) for d in splits)
    shares = np.bincount(triplets[:, 2], minlength=len(TOY_PREDICATES))
    expected = dict(zip(TOY_PREDICATES, shares / len(triplets), strict=True))
    assert stats['predicates'] == pytest.approx(expected)
    assert 4 <= stats['relations'] / stats['images'] <= 6
    assert 4 <= stats['boxes'] / stats['images'] <= 6


def test_it_takes_more_than_labels(toy):
    _, stats = toy
    shares = list(stats['predicates'].values())
    assert len(shares) == len(TOY_PREDICATES) == 11
    assert 0.25 < shares[0] < 0.33 and 0.012 < shares[-1] < 0.035
    assert shares == sorted(shares, reverse=True)
    assert 0.01 < stats['multi_predicate'] < 0.045
    assert stats['prior_R@20'] < 0.5
    assert stats['ceiling_R@20'] > 0.95


def test_trains_from_a_config(toy):
    folder, _ = toy
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=(144, 144), keep_ratio=True),
        dict(type='LoadRelationAnnotations'),
        dict(type='PackSGInputs'),
    ]
    dataset = DATASETS.build(
        dict(
            type='ToyVGDataset',
            data_root=str(folder),
            filter_empty_relations=True,
            pipeline=pipeline,
        )
    )
    assert 300 < len(dataset) < NUM_TRAIN - 100
    sample = dataset[5]['data_samples']
    assert len(sample.gt_relations) > 0
    assert sample.gt_instances.labels.max() < len(TOY_CLASSES)
    counts = count_relations(dataset, must_overlap=False)
    assert counts.shape == (12, 12, 12)
    # most ordered pairs are unrelated
    assert counts[..., -1].sum() > counts[..., :-1].sum()


def scene(names, *relations):
    """Graphs of one image whose relations are given."""
    triplets = np.array(relations, dtype=np.int64).reshape(-1, 3)
    return SceneGraphArrays(
        img_ids=np.array([1]),
        heights=np.array([9]),
        widths=np.array([9]),
        boxes=np.tile([1.0, 2, 8, 9], (len(names), 1)),
        labels=np.array([TOY_CLASSES.index(n) for n in names], dtype=np.int64),
        box_starts=np.array([0, len(names)]),
        pairs=triplets[:, :2],
        predicates=triplets[:, 2],
        relation_starts=np.array([0, len(triplets)]),
    )


def test_yardsticks_of_two_scenes():
    many = ((0, 1, 3), (0, 1, 4), (1, 2, 0), (2, 0, 0))
    names = ['dog', 'ball', 'tree']
    one = scene(['dog', 'ball'], (0, 1, 2))
    test = SceneGraphArrays.concatenate([scene(names, *many), one, scene([])])
    assert recall_ceiling(test, top=20) == pytest.approx((0.75 + 1) / 2)
    assert recall_ceiling(test, top=2) == pytest.approx((0.5 + 1) / 2)
    assert label_prior_recall(one, test, top=1) == pytest.approx(0.5)
    alone = scene(['dog'])
    assert recall_ceiling(alone, top=20) is None
    assert label_prior_recall(one, alone, top=20) is None


def test_one_that_is_not_drawn_yet_says_how(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'not found; .*make_toy_vg\.py .*data_root='
    ):
        ToyVGDataset(data_root=str(tmp_path / 'none'))
