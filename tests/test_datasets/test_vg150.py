"""VG150Dataset against a slow reader, and what one asks of a data set."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mmsgg.datasets import VG150Dataset
from mmsgg.registry import DATASETS

from .slow_reader import slow_items
from .vg_files import VGFiles, settings


def items_of(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def assert_same_items(actual, expected):
    assert len(actual) == len(expected) > 0
    for i, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        ours = dict(ours)
        assert ours.pop('sample_idx') == i
        assert ours.keys() == theirs.keys()
        boxes = [instance.pop('bbox') for instance in ours['instances']]
        theirs = copy.deepcopy(theirs)
        expected_boxes = [row.pop('bbox') for row in theirs['instances']]
        assert ours == theirs
        np.testing.assert_allclose(boxes, expected_boxes, atol=1e-4)


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
@pytest.mark.parametrize('need_relations', [False, True])
@pytest.mark.parametrize('overlap', [False, True])
def test_items_equal_those_of_a_slow_reader(
    folder, split, need_relations, overlap
):
    dataset = VG150Dataset(
        **settings(folder),
        split=split,
        filter_empty_relations=need_relations,
        filter_non_overlap=overlap,
    )
    expected = slow_items(folder, split, 2, need_relations, overlap)
    assert_same_items(items_of(dataset), expected)


@hypothesis_settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), num_val=st.integers(0, 3))
def test_train_and_val_share_the_training_rows(tmp_path, seed, num_val):
    files = VGFiles(seed)
    # one image that is surely left to train on
    files.arrays['split'][:] = 0
    folder = files.write(tmp_path / f'{seed}_{num_val}')
    usable = np.flatnonzero(files.arrays['img_to_first_box'] >= 0)
    if len(usable) <= num_val:
        return
    ids = {
        split: [
            item['img_id']
            for item in items_of(
                VG150Dataset(**settings(folder, num_val=num_val), split=split)
            )
        ]
        for split in ('train', 'val', 'test')
    }
    assert ids['val'] + ids['train'] == [
        files.images[i]['image_id'] for i in usable
    ]
    assert len(ids['val']) == num_val
    assert ids['test'] == []


def test_boxes_stay_inside_their_image_with_an_area(folder):
    dataset = VG150Dataset(**settings(folder), split='test')
    # the files have boxes that stick out, or this test shows nothing
    raw = slow_items(folder, 'test', 2)
    assert len(raw) == len(dataset)
    clipped = 0
    for item in items_of(dataset):
        for instance in item['instances']:
            x1, y1, x2, y2 = instance['bbox']
            assert 0 <= x1 < x2 <= item['width']
            assert 0 <= y1 < y2 <= item['height']
            clipped += x1 == 0 or y1 == 0
    assert clipped


def test_real_vocabulary():
    dataset = VG150Dataset(lazy_init=True)
    classes = dataset.metainfo['classes']
    predicates = dataset.metainfo['predicates']
    assert (len(classes), len(predicates)) == (150, 50)
    assert all(
        a < b for names in (classes, predicates) for a, b in pairwise(names)
    )
    assert classes[:2] == ('airplane', 'animal')
    assert (classes[90], classes[149]) == ('person', 'zebra')
    assert (predicates[0], predicates[30]) == ('above', 'on')


def test_lazy_init_reads_nothing_until_asked(folder):
    assert VG150Dataset(data_root='nowhere', lazy_init=True).metainfo
    dataset = VG150Dataset(**settings(folder), lazy_init=True)
    eager = VG150Dataset(**settings(folder))
    assert not dataset._fully_initialized
    assert len(dataset) == len(eager) > 0
    assert dataset.get_data_info(0) == eager.get_data_info(0)


def duplicates(files):
    """Give every image with two boxes four predicates of one pair."""
    first = files.arrays['img_to_first_box']
    last = files.arrays['img_to_last_box']
    pairs, predicates, starts = [], [], []
    for a, b in zip(first, last, strict=True):
        starts.append(len(pairs) if b > a >= 0 else -1)
        if b > a >= 0:
            pairs += [[b, a]] + [[a, b]] * 4
            predicates += [2, 1, 1, 2, 3]
    starts = np.array(starts)
    files.arrays |= {
        'img_to_first_rel': starts,
        'img_to_last_rel': np.where(starts >= 0, starts + 4, -1),
        'relationships': np.array(pairs),
        'predicates': np.array(predicates),
    }
    return files


def test_duplicates_are_drawn_anew_and_by_seed(files, tmp_path):
    folder = duplicates(files).write(tmp_path)
    dataset = VG150Dataset(
        **settings(folder),
        filter_duplicate_relations=True,
        filter_empty_relations=True,
    )

    def draw(seed):
        np.random.seed(seed)
        return [
            [relation['predicate_label'] for relation in item['relations']]
            for _ in range(200)
            for item in [dataset.get_data_info(0)]
        ]

    drawn = draw(0)
    item = dataset.get_data_info(0)
    pairs = [relation['pair'] for relation in item['relations']]
    last = len(item['instances']) - 1
    assert pairs == [[last, 0], [0, last]]
    assert drawn == draw(0) != draw(1)
    assert all(len(row) == 2 and row[0] == 1 for row in drawn)
    shares = np.bincount([row[1] for row in drawn], minlength=3) / 200
    np.testing.assert_allclose(shares, [0.5, 0.25, 0.25], atol=0.12)
    # statistics see all of them
    assert len(dataset.relation_triplets()) == 5 * len(dataset)


def test_duplicates_stay_unless_asked(files, tmp_path):
    folder = duplicates(files).write(tmp_path)
    dataset = VG150Dataset(**settings(folder), filter_empty_relations=True)
    relations = dataset.get_data_info(0)['relations']
    assert [r['predicate_label'] for r in relations] == [1, 0, 0, 1, 2]


def test_a_test_set_without_empty_images_keeps_every_relation(folder):
    options = settings(folder, split='test')
    whole = VG150Dataset(**options)
    related = VG150Dataset(**options, filter_empty_relations=True)
    expected = [item for item in items_of(whole) if item['relations']]
    assert 0 < len(expected) < len(whole)
    assert [(item['img_id'], item['relations']) for item in expected] == [
        (item['img_id'], item['relations']) for item in items_of(related)
    ]


def test_triplets_name_the_relations_of_the_items(folder):
    dataset = VG150Dataset(**settings(folder), split='test')
    expected = [
        [
            *(item['instances'][i]['bbox_label'] for i in relation['pair']),
            relation['predicate_label'],
        ]
        for item in items_of(dataset)
        for relation in item['relations']
    ]
    assert dataset.relation_triplets().tolist() == expected != []


@pytest.mark.parametrize('indices', [3, -2, [4, 0, 4], 0, []])
def test_subsets(folder, indices):
    dataset = VG150Dataset(**settings(folder))
    items = items_of(dataset)
    if isinstance(indices, int):
        expected = items[:indices] if indices >= 0 else items[indices:]
    else:
        expected = [items[i] for i in indices]
    expected = [item | {'sample_idx': i} for i, item in enumerate(expected)]
    subset = dataset.get_subset(indices)
    assert items_of(subset) == expected
    assert items_of(VG150Dataset(**settings(folder), indices=indices)) == (
        expected
    )
    assert items_of(dataset) == items
    dataset.get_subset_(indices)
    assert items_of(dataset) == expected


def test_indexing(folder):
    dataset = VG150Dataset(**settings(folder))
    size = len(dataset)
    assert dataset.get_data_info(-1) == dataset.get_data_info(size - 1)
    for idx in (size, -size - 1):
        with pytest.raises(IndexError, match=f'{size}'):
            dataset.get_data_info(idx)
    labels = [row['bbox_label'] for row in dataset[-1]['instances']]
    assert dataset.get_cat_ids(size - 1) == dataset.get_cat_ids(-1) == labels
    # an item is the caller's to change
    dataset[0]['instances'][0]['bbox'][0] = -7
    assert dataset[0]['instances'][0]['bbox'][0] != -7


def test_wrappers_of_mmengine_take_it(folder):
    config = dict(type='VG150Dataset', **settings(folder))
    repeated = DATASETS.build(
        dict(type='RepeatDataset', times=2, dataset=dict(config))
    )
    balanced = DATASETS.build(
        dict(type='ClassBalancedDataset', oversample_thr=0.9, dataset=config)
    )
    plain = DATASETS.build(config)
    assert len(repeated) == 2 * len(plain)
    assert repeated[len(plain)] == plain[0]
    assert len(balanced) >= len(plain)


def test_pickles(folder):
    dataset = VG150Dataset(**settings(folder))
    copied = pickle.loads(pickle.dumps(dataset))
    assert items_of(copied) == items_of(dataset)


def test_says_once_what_was_kept_and_dropped(files, tmp_path, monkeypatch):
    files.arrays['split'][:] = 0
    folder = files.write(tmp_path)
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    dataset = VG150Dataset(**settings(folder, num_val=0))
    items = slow_items(folder, 'train', 0)
    boxes = sum(len(item['instances']) for item in items)
    relations = sum(len(item['relations']) for item in items)
    itself = len(files.arrays['predicates']) - relations
    clipped = sum(
        0 in box or box[2] == item['width'] or box[3] == item['height']
        for item in items
        for box in (instance['bbox'] for instance in item['instances'])
    )
    boxless = (files.arrays['img_to_first_box'] < 0).sum()
    assert min(itself, clipped, boxes - clipped, boxless) > 0
    assert lines == [
        f'VG150Dataset train: kept {len(items)} images, {boxes} boxes '
        f'({clipped} clipped to their image) and {relations} relations; '
        f'dropped {boxless} images without box, '
        f'{itself} relations of a box to itself'
    ]
    del lines[:]
    filters = dict(filter_empty_relations=True, filter_non_overlap=True)
    dataset = VG150Dataset(**settings(folder, num_val=0), **filters)
    left = len(slow_items(folder, 'train', 0, True, True))
    usable = (files.arrays['img_to_first_rel'] >= 0).sum()
    apart = relations - len(dataset.relation_triplets())
    assert min(apart, usable - left) > 0
    assert f'{apart} relations without overlap' in lines[0]
    assert f'{usable - left} images in which no relation remains' in lines[0]
