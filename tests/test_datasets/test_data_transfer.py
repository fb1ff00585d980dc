"""IETrans against the rules of its authors' code, relation by relation."""

import numpy as np
import pytest

from mmsgg.datasets import SceneGraphArrays
from mmsgg.datasets.data_transfer import (
    Candidates,
    add_relations,
    external_candidates,
    transfer_externally,
    transfer_internally,
)
from mmsgg.datasets.relation_statistics import count_triplets

CLASSES, PREDICATES = 3, 4


def random_graphs(seed, num_images=30):
    rng = np.random.default_rng(seed)
    boxes = rng.integers(0, 5, num_images)
    relations = np.where(boxes > 1, rng.integers(0, 6, num_images), 0)
    corners = rng.uniform(0, 50, (boxes.sum(), 2))
    sizes = rng.uniform(5, 40, (boxes.sum(), 2))
    pairs = [
        rng.permutation(boxes[image])[:2]
        for image, count in enumerate(relations)
        for _ in range(count)
    ]
    # the first predicates are the frequent ones
    chances = [0.6, 0.25, 0.1, 0.05]
    return SceneGraphArrays(
        img_ids=np.arange(num_images),
        heights=np.full(num_images, 100),
        widths=np.full(num_images, 100),
        boxes=np.hstack([corners, corners + sizes]).astype(np.float32),
        labels=rng.integers(0, CLASSES, boxes.sum()),
        box_starts=np.cumsum([0, *boxes]),
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        predicates=rng.choice(PREDICATES, relations.sum(), p=chances),
        relation_starts=np.cumsum([0, *relations]),
    )


def random_probabilities(seed, num):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(PREDICATES, 0.4), num)


def slow_internal(graphs, probabilities, share):
    """For each triplet in turn, with dicts."""
    triplets = [tuple(t) for t in graphs.triplets().tolist()]
    of_predicate = {}
    for t in triplets:
        of_predicate[t[2]] = of_predicate.get(t[2], 0) + 1
    attraction = {
        t: triplets.count(t) / of_predicate[t[2]] for t in set(triplets)
    }
    wishes = [[] for _ in triplets]  # (attraction, predicate)
    for t in attraction:
        s, o, p = t
        own = [r for r, other in enumerate(triplets) if other == t]
        mean = sum(probabilities[r] for r in own) / len(own)
        parents = [
            q
            for q in range(PREDICATES)
            if mean[q] > mean[p]
            and attraction.get((s, o, q), 0) < attraction[t]
        ]
        drawn = [
            r
            for r, other in enumerate(triplets)
            if other[:2] == (s, o) and other[2] in parents
        ]
        drawn.sort(key=lambda r: -probabilities[r][p])
        for r in drawn[: int(len(drawn) * share)]:
            wishes[r].append((attraction[t], p))
    # of equals any may have it
    return [
        {t[2]} if not wish else {p for a, p in wish if a == max(wish)[0]}
        for t, wish in zip(triplets, wishes, strict=True)
    ]


@pytest.mark.parametrize('share', [0.3, 0.7, 1.0])
@pytest.mark.parametrize('seed', range(4))
def test_internal_transfer(seed, share):
    graphs = random_graphs(seed)
    probabilities = random_probabilities(seed, len(graphs.pairs))
    found = transfer_internally(graphs, probabilities, share)
    expected = slow_internal(graphs, probabilities, share)
    assert all(p in wish for p, wish in zip(found, expected, strict=True))
    assert share == 0.3 or (found != graphs.predicates).any()


def test_nothing_moves_without_a_share_or_a_judgement():
    graphs = random_graphs(0)
    probabilities = random_probabilities(0, len(graphs.pairs))
    same = transfer_internally(graphs, probabilities, 0.0)
    assert (same == graphs.predicates).all()
    half = len(graphs.pairs) // 2
    probabilities[:half] = 0
    moved = transfer_internally(graphs, probabilities, 1.0)
    assert (moved[:half] == graphs.predicates[:half]).all()


def judged(graphs, image, seed):
    """All pairs of an image in random order, and their probabilities."""
    rng = np.random.default_rng(seed)
    size = graphs.box_counts[image]
    pairs = np.argwhere(~np.eye(size, dtype=bool))
    pairs = pairs[rng.permutation(len(pairs))]
    probs = rng.dirichlet(np.full(PREDICATES + 1, 0.4), len(pairs))
    return pairs, probs[:, :-1]


@pytest.mark.parametrize('seed', range(3))
def test_external_candidates(seed):
    graphs = random_graphs(seed)
    known = count_triplets(graphs, CLASSES, PREDICATES)
    triplets = [tuple(t) for t in graphs.triplets().tolist()]
    seen = 0
    for image in range(len(graphs)):
        pairs, scores = judged(graphs, image, image)
        found = external_candidates(graphs, image, pairs, scores, known)
        first = graphs.box_starts[image]
        start, end = graphs.relation_starts[image : image + 2]
        related = {tuple(p) for p in graphs.pairs[start:end].tolist()}
        expected = {}
        for (s, o), row in zip(pairs.tolist(), scores, strict=True):
            a, b = graphs.boxes[first + s], graphs.boxes[first + o]
            apart = (a[:2] >= b[2:]).any() or (b[:2] >= a[2:]).any()
            labels = graphs.labels[first + s], graphs.labels[first + o]
            possible = {p for c, d, p in triplets if (c, d) == labels}
            if (s, o) in related or apart or not possible:
                continue
            best = max(possible, key=lambda p: row[p])
            none = 1 - row.sum()
            none /= none + sum(row[p] for p in possible)
            expected[s, o] = (best, pytest.approx(none))
        assert (found.images == image).all()
        rows = zip(found.predicates, found.unrelated, strict=True)
        keys = map(tuple, found.pairs.tolist())
        assert dict(zip(keys, rows, strict=True)) == expected
        seen += len(expected)
    assert seen > 10


def test_external_transfer():
    graphs = random_graphs(0, num_images=90)
    counts = np.bincount(graphs.predicates)
    assert counts.argsort().tolist() == [3, 2, 1, 0]
    candidates = Candidates(
        images=np.array([2, 2, 4, 7, 9]),
        pairs=np.array([[0, 1], [1, 0], [0, 1], [2, 0], [1, 2]]),
        predicates=np.array([3, 0, 2, 3, 2]),
        unrelated=np.array([0.9, 0.1, 0.3, 0.2, 0.8]),
    )

    def taken(share, num_frequent):
        rows = transfer_externally(
            graphs, candidates, PREDICATES, share, num_frequent
        )
        return rows.tolist()

    assert taken(1.0, 0) == [0, 1, 2, 3, 4]
    assert taken(1.0, 1) == [0, 2, 3, 4]
    assert taken(0.7, 1) == [2, 3]  # of the three least unrelated
    assert taken(1.0, 3) == [0, 3]
    assert taken(0.0, 0) == []


def test_relations_are_put_behind_those_of_their_image():
    graphs = random_graphs(1)
    images, pairs = np.array([5, 0, 5]), np.array([[1, 0], [0, 1], [0, 1]])
    new = add_relations(graphs, images, pairs, np.array([3, 2, 1]))
    for image in range(len(graphs)):

        def rows(arrays, image=image):
            start, end = arrays.relation_starts[image : image + 2]
            return np.column_stack(
                [arrays.pairs[start:end], arrays.predicates[start:end]]
            ).tolist()

        added = {0: [[0, 1, 2]], 5: [[1, 0, 3], [0, 1, 1]]}.get(image, [])
        assert rows(new) == rows(graphs) + added
