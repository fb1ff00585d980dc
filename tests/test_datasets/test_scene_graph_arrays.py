"""The arrays behind a data set keep what belongs together."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsgg.datasets import SceneGraphArrays
from mmsgg.datasets.scene_graph_arrays import (
    concat_ranges,
    offsets_from_counts,
)


def random_graphs(seed, num_images=9):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, num_images)
    rows = np.where(counts > 0, rng.integers(0, 4, num_images), 0)
    corners = rng.integers(0, 30, (counts.sum(), 2))
    sizes = rng.integers(1, 20, (counts.sum(), 2))
    limits = np.repeat(counts, rows)[:, None]
    return SceneGraphArrays(
        img_ids=np.arange(num_images) + 100,
        heights=rng.integers(50, 60, num_images),
        widths=rng.integers(50, 60, num_images),
        boxes=np.hstack([corners, corners + sizes]).astype(np.float32),
        labels=rng.integers(0, 3, counts.sum()),
        box_starts=offsets_from_counts(counts),
        pairs=(rng.random((rows.sum(), 2)) * limits).astype(np.int64),
        predicates=rng.integers(0, 2, rows.sum()),
        relation_starts=offsets_from_counts(rows),
    )


def images_of(graphs):
    """One tuple an image."""
    images = []
    for i in range(len(graphs)):
        boxes = slice(*graphs.box_starts[i : i + 2])
        rows = slice(*graphs.relation_starts[i : i + 2])
        images.append(
            (
                graphs.img_ids[i],
                graphs.heights[i],
                graphs.widths[i],
                graphs.boxes[boxes].tolist(),
                graphs.labels[boxes].tolist(),
                graphs.pairs[rows].tolist(),
                graphs.predicates[rows].tolist(),
            )
        )
    return images


@given(st.integers(0, 2**32), st.lists(st.integers(0, 8), max_size=12))
def test_take_picks_whole_images(seed, rows):
    graphs = random_graphs(seed)
    taken = graphs.take(np.array(rows, dtype=np.int64))
    images = images_of(graphs)
    assert images_of(taken) == [images[row] for row in rows]


@given(st.integers(0, 2**32), st.integers(0, 9))
def test_concatenate_joins_what_was_split(seed, cut):
    graphs = random_graphs(seed)
    parts = [graphs.take(np.arange(9)[part]) for part in (
        slice(0, cut), slice(cut, 9), slice(0, 0)
    )]  # fmt: skip
    joined = SceneGraphArrays.concatenate(parts)
    assert images_of(joined) == images_of(graphs)
    assert joined.file_names is None


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_keep_boxes_drops_their_relations(seed, share):
    graphs = random_graphs(seed)
    keep = np.random.default_rng(seed).random(len(graphs.boxes)) < share
    expected, first = [], 0
    for image in images_of(graphs):
        *head, boxes, labels, pairs, predicates = image
        kept = [i for i in range(len(boxes)) if keep[first + i]]
        rows = [r for r, pair in enumerate(pairs) if {*pair} <= {*kept}]
        expected.append(
            (
                *head,
                [boxes[i] for i in kept],
                [labels[i] for i in kept],
                [[kept.index(i) for i in pairs[r]] for r in rows],
                [predicates[r] for r in rows],
            )
        )
        first += len(boxes)
    assert images_of(graphs.keep_boxes(keep)) == expected


@pytest.mark.parametrize(
    ('box', 'wide'),
    [
        ([3, 4, 3, 9], [3, 4, 4, 9]),
        ([3, 9, 8, 4], [3, 9, 8, 10]),
        ([50, 10, 50, 20], [49, 10, 50, 20]),  # at the right border
        ([10, 40, 20, 40], [10, 39, 20, 40]),
        ([0, 0, 0, 0], [0, 0, 1, 1]),
        ([5, 5, 6, 6], [5, 5, 6, 6]),
    ],
)
def test_widen_boxes_stay_inside(box, wide):
    graphs = SceneGraphArrays(
        img_ids=np.arange(2),
        heights=np.array([30, 40]),
        widths=np.array([30, 50]),
        boxes=np.array([[1, 1, 1, 1], box], dtype=np.float32),
        labels=np.zeros(2, dtype=np.int64),
        box_starts=np.array([0, 1, 2]),
        pairs=np.zeros((0, 2), dtype=np.int64),
        predicates=np.zeros(0, dtype=np.int64),
        relation_starts=np.zeros(3, dtype=np.int64),
    )
    widened = graphs.widen_boxes(np.array([1])).boxes
    assert widened.tolist() == [[1, 1, 1, 1], wide]


def test_nobody_writes_and_nothing_is_copied():
    graphs = random_graphs(0)
    boxes = np.array(graphs.boxes)
    again = SceneGraphArrays(**vars(graphs) | dict(boxes=boxes))
    assert np.shares_memory(again.boxes, boxes)
    for taken in (again, again.take(np.arange(4)), pickled(again)):
        for array in vars(taken).values():
            if array is None:
                continue
            with pytest.raises(ValueError, match='read-only'):
                array[...] = 0
    # the caller keeps its own right to write
    boxes[0] = 1


def pickled(graphs):
    return pickle.loads(pickle.dumps(graphs))


def test_file_names_go_with_their_images():
    graphs = random_graphs(0)
    names = np.array([f'{i}.png' for i in graphs.img_ids])
    graphs = SceneGraphArrays(**vars(graphs) | dict(file_names=names))
    taken = graphs.take(np.array([4, 1]))
    assert taken.file_names.tolist() == [names[4], names[1]]
    assert len(graphs.keep_relations(graphs.predicates > 0).file_names) == 9


@given(st.integers(0, 2**32))
def test_keep_relations_touches_nothing_else(seed):
    graphs = random_graphs(seed)
    keep = np.random.default_rng(seed).random(len(graphs.pairs)) < 0.5
    images = images_of(graphs.keep_relations(keep))
    for i, image in enumerate(images_of(graphs)):
        rows = slice(*graphs.relation_starts[i : i + 2])
        kept = np.flatnonzero(keep[rows])
        expected = [[column[k] for k in kept] for column in image[-2:]]
        assert images[i] == (*image[:-2], *expected)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=8))
def test_concat_ranges(ranges):
    starts, counts = np.array(ranges, dtype=np.int64).reshape(-1, 2).T
    expected = [
        k for start, count in ranges for k in range(start, start + count)
    ]
    assert concat_ranges(starts, counts).tolist() == expected
