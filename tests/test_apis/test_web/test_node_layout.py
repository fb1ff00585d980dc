import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmsgg.apis.web.node_layout import (
    FAR,
    lower_stress,
    node_positions,
    path_lengths,
    spread,
)

GAP = np.array([70.0, 50.0])


def slow_path_lengths(num_nodes, pairs):
    """Breadth first from each node."""
    lengths = np.full((num_nodes, num_nodes), FAR)
    for start in range(num_nodes):
        reached, depth = {start}, 0
        while reached:
            for node in reached:
                lengths[start, node] = depth
            seen = {
                node
                for node in range(num_nodes)
                if lengths[start, node] == int(lengths[start, node])
            }
            near = {int(b) for a, b in pairs if a in reached}
            near |= {int(a) for a, b in pairs if b in reached}
            reached, depth = near - seen, depth + 1
    return lengths


@pytest.mark.parametrize('seed', range(5))
def test_path_lengths(seed):
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 9, (seed * 3, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    expected = slow_path_lengths(9, pairs)
    assert (path_lengths(9, pairs) == expected).all()


def stress(positions, distances):
    lengths = np.linalg.norm(positions[:, None] - positions, axis=-1)
    return ((lengths - distances) ** 2).sum()


def test_stress_falls_with_every_round():
    rng = np.random.default_rng(0)
    distances = 100 * path_lengths(8, rng.integers(0, 8, (9, 2)))
    positions = rng.random((8, 2))
    values = [
        stress(lower_stress(positions, distances, rounds), distances)
        for rounds in range(6)
    ]
    assert (np.diff(values) < 0).all()


@settings(deadline=None, max_examples=30)
@given(
    arrays(
        float,
        st.tuples(st.integers(0, 12), st.just(2)),
        elements=st.floats(0, 500),
    )
)
def test_spread_leaves_room(centers):
    centers = centers + np.arange(len(centers))[:, None] * [0.1, 0.13]
    sizes = np.full((len(centers), 2), [80.0, 30.0])
    spaced = spread(centers, sizes, GAP, max_rounds=2000)
    offsets = np.abs(spaced[:, None] - spaced) + 0.2
    apart = (offsets >= [150, 80]).any(-1) | np.eye(len(centers), dtype=bool)
    assert apart.all()


@pytest.mark.parametrize('count', [0, 1, 2, 50])
def test_any_number_of_nodes(count):
    centers = np.full((count, 2), 0.5)
    pairs = np.array([(i, i + 1) for i in range(count - 1)]).reshape(-1, 2)
    sizes = np.full((count, 2), 30.0)
    positions = node_positions(centers, pairs.astype(int), sizes, GAP)
    assert positions.shape == (count, 2)
    assert np.isfinite(positions).all()
    assert len(np.unique(positions.round(), axis=0)) == count


def test_left_stays_left_and_up_stays_up():
    centers = np.array([[0.1, 0.1], [0.9, 0.2], [0.5, 0.9]])
    pairs = np.array([[0, 1], [1, 2], [2, 0]])
    x, y = node_positions(centers, pairs, np.full((3, 2), 30.0), GAP).T
    assert x[0] < x[2] < x[1]
    assert max(y[0], y[1]) < y[2]
