import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from mmsgg.apis import filter_graph, filter_sample
from mmsgg.evaluation import graph_to_dict
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious

CLASSES = ('man', 'horse', 'hat')
PREDICATES = ('on', 'riding')


@st.composite
def samples(draw, max_objects=6):
    """Predictions with many overlaps, and distinct scores."""
    num = draw(st.integers(0, max_objects))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = rng.integers(0, 4, (num, 2))
    boxes = np.hstack([corners, corners + 20]).astype(np.float32)
    scores = rng.uniform(0.3, 1, num).astype(np.float32)
    pairs = np.argwhere(~np.eye(num, dtype=bool))
    pairs = pairs[rng.random(len(pairs)) < 0.7]
    predicates = rng.dirichlet([1, 1, 1], len(pairs)).astype(np.float32)
    predicates = predicates.reshape(-1, 3)[:, :2]
    triplets = scores[pairs].prod(1) * predicates.max(1, initial=0)
    order = np.argsort(-triplets, kind='stable')
    sample = SGDataSample(
        metainfo=dict(img_id=1, img_path='1.jpg', ori_shape=(24, 24))
    )
    sample.pred_instances = InstanceData(
        bboxes=torch.from_numpy(boxes),
        labels=torch.from_numpy(rng.integers(0, 3, num)),
        scores=torch.from_numpy(scores),
    )
    sample.pred_relations = InstanceData(
        pairs=torch.from_numpy(pairs[order]),
        labels=torch.from_numpy(
            predicates[order].argmax(1) if len(order) else order
        ),
        scores=torch.from_numpy(triplets[order]),
        predicate_scores=torch.from_numpy(predicates[order]),
    )
    return sample


def as_dict(sample, **kwargs):
    return graph_to_dict(sample.to_dict(), CLASSES, PREDICATES, 999, **kwargs)


wishes = st.fixed_dictionaries(
    dict(
        score_thr=st.sampled_from([0.0, 0.1, 0.4]),
        topk=st.sampled_from([None, 0, 1, 3]),
        classes=st.sampled_from([None, [0, 2], [1], []]),
        predicates=st.sampled_from([None, [1]]),
        merge_iou=st.sampled_from([None, 0.0, 0.6, 0.9]),
    )
)


def slow_filter(graph, score_thr, topk, classes, predicates, merge_iou):
    """The rules of filter_graph, object after object."""
    objects = {
        item['id']: item
        for item in graph['objects']
        if classes is None or item['label'] in classes
    }
    leader = {i: i for i in objects}
    if merge_iou is not None:
        leader = {}
        best_first = sorted(objects, key=lambda i: -objects[i]['score'])
        for i in best_first:
            for j in best_first:
                is_leader = i == j or leader.get(j) == j
                boxes = [[objects[k]['box']] for k in (i, j)]
                if is_leader and box_ious(*np.array(boxes)) >= merge_iou:
                    leader[i] = j
                    break
    best = {}  # the best triplet of each new pair
    for item in sorted(graph['triplets'], key=lambda t: -t['score']):
        ends = item['subject_id'], item['object_id']
        if set(ends) <= set(objects) and (
            predicates is None or item['label'] in predicates
        ):
            new = leader[ends[0]], leader[ends[1]]
            if new[0] != new[1]:
                best.setdefault(new, ends)
    triplets = []
    for item in graph['triplets']:
        ends = item['subject_id'], item['object_id']
        new = leader.get(ends[0]), leader.get(ends[1])
        if best.get(new) != ends or not (
            predicates is None or item['label'] in predicates
        ):
            continue
        score = item['score']
        for old_end, new_end in zip(ends, new, strict=True):
            score *= objects[new_end]['score'] / objects[old_end]['score']
        if score >= score_thr:
            triplets.append((new, item['label'], score))
    triplets.sort(key=lambda t: -t[2])
    kept = [
        i
        for i in objects
        if leader[i] == i and objects[i]['score'] >= score_thr
    ]
    return kept, triplets[:topk]


def triplets_of(graph):
    return [
        ((t['subject_id'], t['object_id']), t['label'], t['score'])
        for t in graph['triplets']
    ]


@settings(max_examples=50, deadline=None)
@given(samples(), wishes, st.sampled_from([1, 2]))
def test_against_a_slow_one(sample, wishes, predicates_per_pair):
    graph = as_dict(sample, predicates_per_pair=predicates_per_pair)
    before = copy.deepcopy(graph)
    found = filter_graph(graph, **wishes)
    assert graph == before
    objects, triplets = slow_filter(graph, **wishes)
    assert [item['id'] for item in found['objects']] == objects
    assert triplets_of(found) == [
        (ends, label, pytest.approx(score, rel=1e-5))
        for ends, label, score in triplets
    ]


@settings(max_examples=40, deadline=None)
@given(samples(), wishes)
def test_sample_and_dict_agree(sample, wishes):
    before = sample.to_dict()['pred_relations']['scores'].clone()
    less = filter_sample(sample, **wishes)
    assert torch.equal(sample.pred_relations.scores, before)
    scores = less.pred_relations.scores
    assert (scores[1:] <= scores[:-1]).all()
    of_sample, of_dict = as_dict(less), filter_graph(as_dict(sample), **wishes)
    ids = [item['id'] for item in of_dict['objects']]
    for position, item in enumerate(of_dict['objects']):
        assert of_sample['objects'][position] == dict(item, id=position)
    # rounding may swap equals; a threshold may cut between them
    assert {
        ((ids[s], ids[o]), label): pytest.approx(score, rel=1e-4)
        for (s, o), label, score in triplets_of(of_sample)
    } == {(ends, label): score for ends, label, score in triplets_of(of_dict)}


@settings(max_examples=30, deadline=None)
@given(samples(), wishes)
def test_twice_is_once(sample, wishes):
    once = filter_graph(as_dict(sample), **wishes)
    assert filter_graph(once, **wishes) == once


def test_names_do_as_well_as_numbers():
    graph = dict(
        objects=[
            dict(id=i, label=i, name=name, box=[0, 0, 9, 9], score=1.0)
            for i, name in enumerate(CLASSES)
        ],
        triplets=[
            dict(subject_id=0, object_id=i, label=i, name='x', score=0.5)
            for i in (1, 2)
        ],
    )
    by_name = filter_graph(graph, classes=['man', 'hat'])
    assert by_name == filter_graph(graph, classes=[0, 2])
    assert triplets_of(by_name) == [((0, 2), 2, 0.5)]
    assert filter_graph(graph) == graph
    assert len(filter_graph(graph, classes='hat')['objects']) == 1


def test_the_best_box_takes_the_relations_of_its_duplicates():
    box = [0, 0, 20, 20]
    graph = dict(
        objects=[
            dict(id=4, label=0, name='man', box=box, score=0.5),
            dict(id=7, label=2, name='hat', box=box, score=0.8),
            dict(id=9, label=1, name='horse', box=[50, 0, 60, 9], score=1.0),
        ],
        triplets=[
            dict(subject_id=4, object_id=9, label=1, name='riding', score=0.4),
            dict(subject_id=4, object_id=7, label=0, name='on', score=0.3),
            dict(subject_id=7, object_id=9, label=0, name='on', score=0.1),
        ],
    )
    merged = filter_graph(graph, merge_iou=0.9)
    assert [item['id'] for item in merged['objects']] == [7, 9]
    # 0.8 = 0.4 / (0.5 * 1.0) is the predicate's, times 0.8 and 1.0
    assert triplets_of(merged) == [((7, 9), 1, 0.64)]


def test_a_triplet_goes_with_its_objects():
    """Also where its score does not come from theirs, as in a made-up one."""
    graph = dict(
        objects=[
            dict(id=i, label=i, name=None, box=[0, 0, 9, 9], score=score)
            for i, score in enumerate((1.0, 0.5))
        ],
        triplets=[
            dict(subject_id=0, object_id=1, label=0, name=None, score=0.9)
        ],
    )
    assert filter_graph(graph, 0.5)['triplets'] == graph['triplets']
    assert filter_graph(graph, 0.6)['triplets'] == []
