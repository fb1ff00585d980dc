import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmsgg.evaluation import functional as F


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan]), max_size=30),
    st.integers(1, 12),
)
def test_topk_equals_full_stable_sort(scores, k):
    scores = np.array(scores, dtype=np.float64)
    expected = np.argsort(-scores, kind='stable')[:k]
    np.testing.assert_array_equal(F.stable_topk(scores, k), expected)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 5))
@example(110395, 3, 2)  # an infinite weight, of probabilities 0 and below
def test_best_candidates_are_those_of_all_products(seed, num_pairs, columns):
    """To the bit, also of values that no metric would let pass."""
    rng = np.random.default_rng(seed)
    odd = [math.nan, math.inf, -math.inf, -0.5, 0.0, 1e-30]
    values = np.array([*odd[: rng.integers(7)], *rng.random(9)], np.float32)
    weights = rng.choice(values, num_pairs)
    table = rng.choice(values, (num_pairs, columns))
    with np.errstate(invalid='ignore'):
        expected = np.fmax.reduce(weights[:, None] * table, axis=1)
        got = F.best_candidates(weights, table)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(1, 5),
    st.integers(1, 20), st.integers(1, 6),
)  # fmt: skip
@example(2, 4, 3, 8, 2)  # pairs of weight 0, whose candidates are all equal
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
