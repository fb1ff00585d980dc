"""Pairs that cannot be among the best are not scored, and none is missed."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from mmsgg.models.relation_heads import BaseRelationHead, pair_features
from mmsgg.models.relation_heads.triplet_search import TripletSearch
from mmsgg.registry import MODELS

from .samples import (
    assert_same_graph,
    causal_motifs_cfg,
    feature_map,
    linknet_cfg,
    metas,
    penet_cfg,
    random_objects,
)
from .test_pair_features import pooled_at_once
from .test_relation_heads import HEADS, TASKS


class Head:
    """Ranks as the base class does."""

    num_classes = 4

    def predicate_probabilities(self, logits):
        return BaseRelationHead.predicate_probabilities(self, logits)


@st.composite
def images(draw):
    """Object scores and predicate logits of images, with many ties."""
    batch = []
    for n in draw(st.lists(st.integers(0, 5), min_size=1, max_size=3)):
        scores = draw(
            st.lists(
                st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1),
                min_size=n,
                max_size=n,
            )
        )
        pairs = (~torch.eye(n, dtype=torch.bool)).nonzero()
        # 200: a probability of exactly 1, which ties with the bound
        logits = draw(
            st.lists(
                st.sampled_from([-200.0, 0.0, 2.0, 200.0]),
                min_size=len(pairs),
                max_size=len(pairs),
            )
        )
        logits = torch.tensor(logits).reshape(-1, 1)
        logits = torch.cat([logits, torch.zeros(len(pairs), 1)], dim=1)
        batch.append((torch.tensor(scores), pairs, logits))
    return batch


def tied_image():
    """Two sure pairs, of which the later one shares a union with the first."""
    pairs = (~torch.eye(3, dtype=torch.bool)).nonzero()
    sure = torch.tensor([-200.0, 200, 200, -200, -200, -200])
    return torch.ones(3), pairs, sure[:, None] * torch.tensor([[1.0, 0]])


@example([tied_image()], 1, 2)
@given(images(), st.integers(0, 9), st.integers(1, 7))
def test_the_best_triplets_are_those_of_all_pairs(batch, k, size):
    bounds = [scores[pairs].prod(dim=1) for scores, pairs, _ in batch]
    table = torch.cat([logits for *_, logits in batch])
    search = TripletSearch(Head(), bounds, [pairs for _, pairs, _ in batch], k)
    found, seen = search.unrelated(table), []
    for rows in search.chunks(size):
        assert 0 < len(rows) <= size
        found[rows] = table[rows]
        search.add(rows, table[rows])
        seen += rows.tolist()
    assert len(seen) == len({*seen})

    def ranked(logits):
        best = Head().predicate_probabilities(logits).amax(dim=1)
        triplets = (torch.cat(bounds) * best).split([*map(len, bounds)])
        orders = [t.argsort(descending=True, stable=True) for t in triplets]
        return [
            [*zip(order[:k].tolist(), t[order[:k]].tolist(), strict=True)]
            for order, t in zip(orders, triplets, strict=True)
        ]

    assert ranked(found) == ranked(table)


def test_the_search_ends_where_the_bounds_fall_below():
    """10 objects: pairs of the first 3 are sure, the others hardly there."""
    scores = torch.tensor([1.0] * 3 + [0.1] * 7)
    pairs = (~torch.eye(10, dtype=torch.bool)).nonzero()
    logits = torch.tensor([[3.0, 0.0]]).expand(90, 2)
    search = TripletSearch(Head(), [scores[pairs].prod(dim=1)], [pairs], 6)
    seen = []
    for rows in search.chunks(6):
        search.add(rows, logits[rows])
        seen += pairs[rows].tolist()
    assert sorted(seen) == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
    # a pair beside its reverse, so that a chunk shares their union
    assert [{*p} for p in seen[::2]] == [{*p} for p in seen[1::2]]


def spread_objects(num, seed, task):
    """Objects of which some are sure and many are hardly there."""
    objects = random_objects(num, seed, task)
    if task == 'predcls':  # GivenBoxes may have scores too
        objects.scores = torch.linspace(1, 0.01, num)
    else:
        certainty = torch.linspace(40, 0.1, num)[:, None]
        objects.logits = objects.logits * certainty
    return objects


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('name', HEADS)
@torch.no_grad()
def test_every_head_finds_the_same_triplets(name, task, monkeypatch):
    monkeypatch.setattr(pair_features, 'CHUNK', 6)
    torch.manual_seed(0)
    head = MODELS.build(HEADS[name]).eval()
    if head.frequency_bias is not None:
        torch.nn.init.normal_(head.frequency_bias.table.weight)
    sizes = [9, 0, 1, 3, 7]
    objects = [spread_objects(n, n, task) for n in sizes]
    x = feature_map(len(sizes))
    whole = head.predict(x, objects, metas(len(sizes)))
    best = head.predict(x, objects, metas(len(sizes)), max_triplets=8)
    assert [len(relations) for _, relations in best] == [8, 0, 0, 6, 8]
    for (instances, relations), graph in zip(whole, best, strict=True):
        assert_same_graph(graph, (instances, relations[:8]))


@pytest.mark.parametrize(
    ('cfg', 'prunes'),
    [
        (linknet_cfg(), True),
        (causal_motifs_cfg(effect='TDE'), False),
        (penet_cfg(), True),
        (penet_cfg(relation_nms_iou=0.6), False),
        (linknet_cfg(debiasing=dict(type='LogitAdjustment')), False),
        (HEADS['imp'], False),
    ],
)
@torch.no_grad()
def test_only_heads_of_independent_pairs_leave_some_out(
    cfg, prunes, monkeypatch
):
    """Of 90 pairs, which share 45 unions, few compete for one triplet."""
    monkeypatch.setattr(pair_features, 'CHUNK', 4)
    torch.manual_seed(0)
    head = MODELS.build(cfg).eval()
    head.set_counts([1] * head.num_predicates)
    sizes = pooled_at_once(head)
    objects = random_objects(10, 0, 'predcls')
    objects.scores = torch.tensor([1.0, 1.0] + [1e-3] * 8)
    [(_, best)] = head.predict(
        feature_map(1), [objects], metas(1), max_triplets=1
    )
    assert len(best) == 1
    assert sum(sizes) == (2 if prunes else 45)  # a chunk is of two unions


@torch.no_grad()
def test_a_forward_of_ones_own_need_not_know_of_limits(monkeypatch):
    """It has the arguments of docs/add_a_head.md, over a head that does."""
    torch.manual_seed(0)
    head = MODELS.build(linknet_cfg()).eval()
    forward = head.forward

    def own(x, objects, pairs, targets=None):
        return forward(x, objects, pairs, targets)

    objects = [spread_objects(6, 0, 'predcls')]
    [(instances, relations)] = head.predict(feature_map(1), objects, metas(1))
    monkeypatch.setattr(head, 'forward', own)
    [best] = head.predict(feature_map(1), objects, metas(1), max_triplets=3)
    assert_same_graph(best, (instances, relations[:3]))
