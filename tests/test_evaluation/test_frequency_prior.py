"""The frequency prior against examples by hand and a plain loop."""

import numpy as np
import pytest

from mmsgg.datasets import SceneGraphArrays
from mmsgg.datasets.relation_statistics import count_in_graphs
from mmsgg.evaluation import prior_probabilities, prior_recall

NUM_CLASSES, NUM_PREDICATES = 4, 6


def graphs_of(*images):
    """Images as (labels, relations [subject, object, predicate])."""
    labels = [np.array(labels, dtype=np.int64) for labels, _ in images]
    relations = [
        np.array(rows, dtype=np.int64).reshape(-1, 3) for _, rows in images
    ]
    none = np.zeros((0, 3), dtype=np.int64)
    joined = np.concatenate([none, *relations])
    starts = [
        np.cumsum([0, *map(len, column)]) for column in (labels, relations)
    ]
    sizes = np.full(len(images), 9)
    return SceneGraphArrays(
        img_ids=np.arange(len(images)),
        heights=sizes,
        widths=sizes,
        boxes=np.tile([1.0, 2, 8, 9], (starts[0][-1], 1)),
        labels=np.concatenate([none[:, 0], *labels]),
        box_starts=starts[0],
        pairs=joined[:, :2],
        predicates=joined[:, 2],
        relation_starts=starts[1],
    )


def image(labels, *relations):
    return labels, relations


def recall(train, test, top):
    counts = count_in_graphs(
        graphs_of(*train), NUM_CLASSES, NUM_PREDICATES, must_overlap=False
    )
    found = prior_recall(prior_probabilities(counts), graphs_of(*test), (top,))
    return found[f'R@{top}']


def slow_recall(train, test):
    """Guess the most frequent predicate of every pair, all of which count."""
    counts = np.zeros((NUM_CLASSES, NUM_CLASSES, NUM_PREDICATES), dtype=int)
    for labels, relations in train:
        for i, j, predicate in relations:
            counts[labels[i], labels[j], predicate] += 1
    recalls = [
        np.mean([p == counts[labels[i], labels[j]].argmax() and i != j
                 for i, j, p in relations])
        for labels, relations in test
        if len(relations)
    ]  # fmt: skip
    return np.mean(recalls)


def random_images(rng):
    images = []
    for _ in range(30):
        size = rng.integers(0, 6)
        count = rng.integers(0, 8) if size > 1 else 0
        pairs = rng.integers(0, max(size, 1), (count, 2))
        predicates = rng.integers(0, NUM_PREDICATES, count)
        rows = np.column_stack([pairs, predicates])
        # the metric takes no relation of an object to itself
        rows = rows[rows[:, 0] != rows[:, 1]]
        images.append((rng.integers(0, NUM_CLASSES, size), rows))
    return images


@pytest.mark.parametrize('seed', range(3))
def test_recall_of_all_pairs_is_that_of_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    train, test = random_images(rng), random_images(rng)
    expected = slow_recall(train, test)
    assert 0 < expected < 1
    assert recall(train, test, top=100) == pytest.approx(expected)


def test_prior_takes_the_most_frequent_predicate():
    train = [image([0, 1], (0, 1, 4))] * 2 + [image([0, 1], (0, 1, 5))]
    test = [
        image([1, 0], (1, 0, 4)),
        image([0, 1], (0, 1, 5)),
        image([0, 1, 1], (0, 1, 4), (0, 2, 5)),
        image([0, 1]),
    ]
    assert recall(train, test, top=20) == pytest.approx(0.5)


def test_prior_ranks_pairs_by_how_often_they_are_related():
    # 0 -> 1 is related in one of two, 0 -> 2 always
    train = [image([0, 1, 2], (0, 2, 3), (0, 1, 3)), image([0, 1])]
    test = [image([0, 1, 2], (0, 1, 3)), image([0, 1, 2], (0, 2, 3))]
    assert recall(train, test, top=1) == pytest.approx(0.5)
    assert recall(train, test[1:], top=1) == 1
    assert recall(train, test, top=2) == 1


def test_no_relation_to_recall():
    assert np.isnan(recall([], [image([0])], top=20))
