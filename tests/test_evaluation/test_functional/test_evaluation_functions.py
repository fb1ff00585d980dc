import doctest
import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.evaluation import functional as F

MODULES = [
    'functional.hit_ranks', 'functional.matching',
    'functional.predicate_groups', 'functional.ranking',
    'functional.recall', 'functional.zero_shot',
    'metrics.dump_scene_graphs', 'metrics.relation_ranks',
    'metrics.scene_graph_metric', 'prediction_json', 'result_file',
]  # fmt: skip


@pytest.mark.parametrize('module', MODULES)
def test_examples_in_docstrings(module):
    module = importlib.import_module(f'mmsgg.evaluation.{module}')
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan]), max_size=30),
    st.integers(1, 12),
)
def test_topk_equals_full_stable_sort(scores, k):
    scores = np.array(scores, dtype=np.float64)
    expected = np.argsort(-scores, kind='stable')[:k]
    np.testing.assert_array_equal(F.stable_topk(scores, k), expected)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(1, 5),
    st.integers(1, 20), st.integers(1, 6),
)  # fmt: skip
def test_candidates_equal_full_stable_sort(seed, num_pairs, columns, k, few):
    rng = np.random.default_rng(seed)
    values = np.array([0.0, 0.25, 0.5, 1.0, math.nan], dtype=np.float32)
    object_scores = rng.choice(values[:4], 4)
    pairs = rng.integers(0, 4, (num_pairs, 2))
    table = rng.choice(values, (num_pairs, columns))
    scores = object_scores[pairs].prod(1, keepdims=True) * table
    order = np.argsort(-scores.ravel(), kind='stable')
    got = F.rank_candidates(object_scores, pairs, table, k)
    np.testing.assert_array_equal(got, np.divmod(order[:k], columns))
    # the same, of the best ``few`` predicates of each pair
    kept = np.argsort(-table, axis=1, kind='stable')[:, :few]
    is_kept = np.zeros(table.shape, dtype=bool)
    np.put_along_axis(is_kept, kept, True, axis=1)
    order = order[is_kept.ravel()[order]]
    got = F.rank_candidates(object_scores, pairs, table, k, few)
    np.testing.assert_array_equal(got, np.divmod(order[:k], columns))


@pytest.mark.parametrize(('iou_thr', 'num'), [(0.49, 2), (0.5, 2), (0.51, 1)])
def test_objects_match_from_the_threshold_on(iou_thr, num):
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 4]])  # the second is half
    match = F.match_objects(
        boxes, np.array([3, 3]), boxes[:1], np.array([3]), iou_thr
    )
    assert match.sum() == num
    other = F.match_objects(boxes, np.array([3, 3]), boxes, np.array([4, 4]))
    assert not other.any()


def test_triplet_may_hit_several_relations():
    hits = F.match_triplets(
        np.ones((2, 3), dtype=bool),
        np.array([[0, 1]]),
        np.array([4]),
        np.array([[0, 1], [0, 2], [2, 1], [0, 1]]),
        np.array([4, 4, 4, 3]),
    )
    np.testing.assert_array_equal(hits, [[True, True, True, False]])


def test_first_hits_without_triplets_or_relations():
    never = F.first_hits(np.zeros((0, 2), dtype=bool))
    assert never.tolist() == [F.NO_HIT, F.NO_HIT]
    assert F.first_hits(np.zeros((4, 0), dtype=bool)).shape == (0,)


def test_sums_do_not_depend_on_the_order_of_images():
    rng = np.random.default_rng(0)
    images = np.repeat(np.arange(200), rng.integers(1, 12, 200))
    ranks = rng.integers(0, 10, len(images))
    predicates = rng.integers(0, 4, len(images))
    for k in range(1, 9):
        other = rng.permutation(200)[images]
        order = np.argsort(other, kind='stable')
        shuffled = ranks[order], other[order]
        assert F.image_recall(ranks, images, k) == F.image_recall(*shuffled, k)
        np.testing.assert_array_equal(
            F.predicate_recall(ranks, images, predicates, 4, k),
            F.predicate_recall(*shuffled, predicates[order], 4, k),
        )
