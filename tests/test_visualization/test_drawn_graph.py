import numpy as np
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmsgg.visualization.drawn_graph import match_graphs, read_graph


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


def test_best_relations_come_first_and_ties_keep_their_order():
    data = make([[0, 1], [1, 0], [1, 2]], [4, 5, 6], [0.5, 0.75, 0.5])
    graph = read_graph(*data).first_relations(2)
    assert graph.pairs.tolist() == [[1, 0], [0, 1]]
    assert graph.predicates.tolist() == [5, 4]
    assert graph.relation_scores.tolist() == [0.75, 0.5]


def test_unlikely_relations_are_left_out():
    data = make([[0, 1], [1, 0], [1, 2]], [4, 5, 6], [0.5, 0.75, 0.25])
    graph = read_graph(*data)
    assert graph.first_relations(9, 0.5).predicates.tolist() == [5, 4]
    assert graph.first_relations(1, 0.5).predicates.tolist() == [5]
    assert len(graph.first_relations(9, 0.8).pairs) == 0


def test_annotation_keeps_its_order():
    graph = read_graph(*make([[2, 1], [0, 1]], [1, 0]))
    assert graph.pairs.tolist() == [[2, 1], [0, 1]]
    assert graph.relation_scores is None
    assert len(graph.first_relations(2, score_thr=0.9).pairs) == 2


def test_low_precision_and_no_data():
    data = make([[0, 1]], [0], [0.5], torch.bfloat16)
    assert read_graph(*data).relation_scores.tolist() == [0.5]
    graph = read_graph(None, None)
    assert graph.boxes.shape == (0, 4)
    assert graph.pairs.shape == (0, 2)
    assert graph.visible_objects(0.3, 5).tolist() == []


def test_visible_objects():
    objects, relations = make([[0, 0]], [0], [1.0])
    objects.scores = torch.tensor([0.1, 0.4, 0.9])
    graph = read_graph(objects, relations)
    assert graph.visible_objects(0.3, 5).tolist() == [0, 1, 2]
    assert graph.visible_objects(0.3, 1).tolist() == [0, 2]
    assert graph.visible_objects(0.5, 5).tolist() == [0, 2]


def test_matching_is_that_of_the_metric():
    true = read_graph(*make([[0, 1], [0, 1], [1, 2]], [3, 3, 4]))
    predicted = read_graph(*make([[1, 2], [0, 1]], [5, 3]))
    hits, found = match_graphs(predicted, true)
    np.testing.assert_array_equal(hits, [False, True])
    np.testing.assert_array_equal(found, [True, True, False])
