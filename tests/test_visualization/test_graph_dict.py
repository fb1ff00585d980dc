import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmsgg.visualization.graph_dict import (
    drop_loose_objects,
    first_triplets,
    mark_hits,
    read_graph,
)


def make(pairs, labels, scores=None, dtype=torch.float32):
    relations = InstanceData(
        pairs=torch.tensor(pairs), labels=torch.tensor(labels)
    )
    if scores is not None:
        relations.scores = torch.tensor(scores, dtype=dtype)
    boxes = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9], [0, 20, 9, 29]])
    objects = InstanceData(
        bboxes=HorizontalBoxes(boxes), labels=torch.arange(3)
    )
    return objects, relations


def pairs_of(graph):
    return [[t['subject_id'], t['object_id']] for t in graph['triplets']]


def column(items, key):
    return [item[key] for item in items]


def test_best_relations_come_first_and_ties_keep_their_order():
    data = make([[0, 1], [1, 0], [1, 2]], [4, 5, 6], [0.5, 0.75, 0.5])
    graph = first_triplets(read_graph(*data), 2)
    assert pairs_of(graph) == [[1, 0], [0, 1]]
    assert column(graph['triplets'], 'label') == [5, 4]
    assert column(graph['triplets'], 'score') == [0.75, 0.5]


def test_unlikely_relations_are_left_out():
    data = make([[0, 1], [1, 0], [1, 2]], [4, 5, 6], [0.5, 0.75, 0.25])
    graph = read_graph(*data)
    for args, labels in (((9, 0.5), [5, 4]), ((1, 0.5), [5]), ((9, 0.8), [])):
        first = first_triplets(graph, *args)
        assert column(first['triplets'], 'label') == labels


def test_annotation_keeps_its_order():
    graph = read_graph(*make([[2, 1], [0, 1]], [1, 0]))
    assert pairs_of(graph) == [[2, 1], [0, 1]]
    assert column(graph['triplets'], 'score') == [None, None]
    first = first_triplets(graph, 2, score_thr=0.9)
    assert len(first['triplets']) == 2


def test_low_precision_and_no_data():
    data = make([[0, 1]], [0], [0.5], torch.bfloat16)
    assert column(read_graph(*data)['triplets'], 'score') == [0.5]
    empty = read_graph(None, None)
    assert empty['objects'] == empty['triplets'] == []
    lacking = InstanceData(pairs=torch.tensor([[0, 1]]))
    assert read_graph(data[0], lacking)['triplets'] == []


def test_names_are_shortened_and_may_be_missing():
    classes = ['hat', 'a very long name of a thing']
    graph = read_graph(*make([[2, 1]], [4]), classes, ['on'])
    names = ['hat', 'a very long name of a t\u2026', None]
    assert column(graph['objects'], 'name') == names
    assert column(graph['triplets'], 'name') == [None]


def test_relations_that_point_to_no_object_are_left_out():
    graph = read_graph(*make([[0, 3], [-1, 0], [2, 0]], [0, 1, 2]))
    assert pairs_of(graph) == [[2, 0]]


def test_objects_without_relation():
    objects, relations = make([[0, 0]], [0], [1.0])
    objects.scores = torch.tensor([0.1, 0.4, 0.9])
    graph = read_graph(objects, relations)
    for args, ids in (
        ((0.3, 5), [0, 1, 2]),
        ((0.3, 1), [0, 2]),
        ((0.5, 5), [0, 2]),
    ):
        kept = drop_loose_objects(graph, *args)
        assert column(kept['objects'], 'id') == ids


def test_matching_is_that_of_the_metric():
    true = read_graph(*make([[0, 1], [0, 1], [1, 2]], [3, 3, 4]))
    predicted = read_graph(*make([[1, 2], [0, 1]], [5, 3]))
    predicted, true = mark_hits(predicted, true)
    assert column(predicted['triplets'], 'hit') == [False, True]
    assert column(true['triplets'], 'hit') == [True, True, False]


def test_matching_nothing():
    true, predicted = read_graph(None, None), read_graph(*make([[0, 1]], [1]))
    predicted, true = mark_hits(predicted, true)
    assert column(predicted['triplets'], 'hit') == [False]
    assert true['triplets'] == []
    assert true['compared']
