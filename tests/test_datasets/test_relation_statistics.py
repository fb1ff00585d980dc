"""Counts of predicates against plain loops."""

import numpy as np
import pytest
from mmengine.dataset import (
    ClassBalancedDataset,
    ConcatDataset,
    RepeatDataset,
)

from mmsgg.datasets import (
    VG150Dataset,
    count_relations,
    scene_graphs_of,
)

from .vg_files import CLASSES, PREDICATES, VGFiles, settings


class ForeignDataset:
    """Nothing but items, as another package would give them."""

    def __init__(self, items, classes, predicates):
        self.items = items
        self.metainfo = dict(classes=classes, predicates=predicates)

    def __len__(self):
        return len(self.items)

    def get_data_info(self, idx):
        return self.items[idx]


def slow_counts(dataset, must_overlap):
    classes, predicates = (
        len(dataset.metainfo[key]) for key in ('classes', 'predicates')
    )
    counts = np.zeros((classes, classes, predicates + 1), dtype=int)
    for k in range(len(dataset)):
        item = dataset.get_data_info(k)
        instances = item['instances']
        related = {tuple(row['pair']) for row in item['relations']}
        for row in item['relations']:
            s, o = (instances[i]['bbox_label'] for i in row['pair'])
            counts[s, o, row['predicate_label']] += 1
        for i, a in enumerate(instances):
            for j, b in enumerate(instances):
                if i == j or (i, j) in related:
                    continue
                width = min(a['bbox'][2], b['bbox'][2]) - max(
                    a['bbox'][0], b['bbox'][0]
                )
                height = min(a['bbox'][3], b['bbox'][3]) - max(
                    a['bbox'][1], b['bbox'][1]
                )
                if not must_overlap or (width > 0 and height > 0):
                    counts[a['bbox_label'], b['bbox_label'], -1] += 1
    return counts


@pytest.mark.parametrize('must_overlap', [True, False])
def test_counts(tmp_path, must_overlap):
    files = VGFiles(seed=5, num_images=40)
    dataset = VG150Dataset(**settings(files.write(tmp_path)))
    expected = slow_counts(dataset, must_overlap)
    counts = count_relations(dataset, must_overlap=must_overlap)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, expected)
    assert expected[..., :-1].any() and expected[..., -1].any()
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    foreign = ForeignDataset(items, CLASSES, PREDICATES)
    np.testing.assert_array_equal(
        count_relations(foreign, must_overlap=must_overlap), expected
    )


def test_overlap_is_required_by_default(tmp_path):
    dataset = VG150Dataset(**settings(VGFiles(1, 40).write(tmp_path)))
    strict = count_relations(dataset)
    np.testing.assert_array_equal(strict, count_relations(dataset, True))
    assert strict.sum() < count_relations(dataset, False).sum()


def test_duplicates_count_all_predicates(tmp_path):
    folder = VGFiles(2, 40).write(tmp_path)
    plain, drawn = (
        count_relations(
            VG150Dataset(**settings(folder), filter_duplicate_relations=flag)
        )
        for flag in (False, True)
    )
    np.testing.assert_array_equal(plain, drawn)


@pytest.mark.parametrize('lazy_init', [False, True])
@pytest.mark.parametrize('kind', ['concatenated', 'repeated', 'balanced'])
def test_a_wrapper_counts_all_predicates_too(tmp_path, kind, lazy_init):
    folder = VGFiles(2, 40).write(tmp_path)
    plain, drawn = (
        VG150Dataset(
            **settings(folder),
            filter_duplicate_relations=flag,
            lazy_init=lazy_init,
        )
        for flag in (False, True)
    )

    def wrap(one):
        if kind == 'concatenated':
            return ConcatDataset([one, one], lazy_init)
        if kind == 'repeated':
            return RepeatDataset(one, 3, lazy_init)
        return ClassBalancedDataset(one, 0.9, lazy_init)

    wrapped = wrap(plain)
    ids = [wrapped.get_data_info(k)['img_id'] for k in range(len(wrapped))]
    assert len(ids) > len(plain)
    assert scene_graphs_of(wrap(drawn)).img_ids.tolist() == ids
    counts = count_relations(wrap(drawn))
    np.testing.assert_array_equal(counts, slow_counts(wrapped, True))


@pytest.mark.parametrize('items', [0, 2])
def test_nothing_to_count(items):
    empty = dict(img_id=1, height=9, width=9, instances=[], relations=[])
    dataset = ForeignDataset([empty] * items, CLASSES, PREDICATES)
    counts = count_relations(dataset)
    assert counts.shape == (4, 4, 4)
    assert not counts.any()
