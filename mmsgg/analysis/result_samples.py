"""Samples of a result file as the visualizer takes them."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.structures import InstanceData

from mmsgg.evaluation.functional import predicted_graph, rank_pairs, true_graph
from mmsgg.structures import SGDataSample


def result_sample(sample: Mapping[str, Any], topk: int) -> SGDataSample:
    """Make a data sample of an entry of a result file.

    Args:
        sample: Of :func:`mmsgg.evaluation.read_samples`.
        topk: How many relations to keep, one a pair, the best first.

    Returns:
        Annotation and prediction, boxes in original-image pixels. The scores
        of the relations are subject score * object score * predicate
        probability.
    """
    true, predicted = true_graph(sample), predicted_graph(sample)
    made = SGDataSample()
    made.gt_instances = _data(bboxes=true.boxes, labels=true.labels)
    made.gt_relations = _data(pairs=true.pairs, labels=true.predicates)
    made.pred_instances = _data(
        bboxes=predicted.boxes,
        labels=predicted.labels,
        scores=predicted.scores,
    )
    rows, labels, scores = predicted.pairs[:0, 0], predicted.pairs[:0, 0], []
    if len(predicted.pairs):
        rows, labels = rank_pairs(
            predicted.predicate_scores, topk, predicted.pair_scores
        )
        ends = predicted.scores[predicted.pairs[rows]].prod(1)
        scores = ends * predicted.predicate_scores[rows, labels]
    made.pred_relations = _data(
        pairs=predicted.pairs[rows], labels=labels, scores=scores
    )
    return made


def _data(**fields: Any) -> InstanceData:
    return InstanceData(
        **{name: torch.as_tensor(field) for name, field in fields.items()}
    )
