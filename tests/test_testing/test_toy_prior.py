import numpy as np
import pytest

from mmsgg.testing.toy_prior import Graph, label_prior_recall, recall_ceiling


def graph(labels, *relations):
    rows = np.array(relations, dtype=int).reshape(-1, 3)
    return Graph(np.array(labels, dtype=int), rows)


def test_prior_takes_the_most_frequent_predicate():
    train = [graph([0, 1], (0, 1, 4))] * 2 + [graph([0, 1], (0, 1, 5))]
    test = [
        graph([1, 0], (1, 0, 4)),
        graph([0, 1], (0, 1, 5)),
        graph([0, 1, 1], (0, 1, 4), (0, 2, 5)),
        graph([0, 1]),
    ]
    assert label_prior_recall(train, test, top=20) == pytest.approx(0.5)


def test_prior_ranks_pairs_by_how_often_they_are_related():
    # 0 -> 1 is related in one of two, 0 -> 2 always
    train = [graph([0, 1, 2], (0, 2, 3), (0, 1, 3)), graph([0, 1])]
    test = [graph([0, 1, 2], (0, 1, 3)), graph([0, 1, 2], (0, 2, 3))]
    assert label_prior_recall(train, test, top=1) == pytest.approx(0.5)
    assert label_prior_recall(train, test[1:], top=1) == 1
    assert label_prior_recall(train, test, top=2) == 1


def test_ceiling_is_one_predicate_a_pair():
    test = [
        graph([0, 1, 2], (0, 1, 3), (0, 1, 4), (1, 2, 0), (2, 0, 0)),
        graph([0, 1], (0, 1, 2)),
        graph([]),
    ]
    assert recall_ceiling(test, top=20) == pytest.approx((0.75 + 1) / 2)
    assert recall_ceiling(test, top=2) == pytest.approx((0.5 + 1) / 2)
    assert recall_ceiling([], top=20) is None
    assert label_prior_recall([], [graph([0])], top=20) is None
