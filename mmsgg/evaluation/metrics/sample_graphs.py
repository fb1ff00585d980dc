"""The graphs that a data sample holds, as arrays."""

from typing import Any

import numpy as np
import torch

from ..functional import PredictedGraph, TrueGraph


def true_graph(sample: dict) -> TrueGraph:
    """The annotation in a sample.

    Args:
        sample: ``SGDataSample.to_dict()``, or a dict alike of arrays, with
            ``gt_instances`` {bboxes, labels} and ``gt_relations`` {pairs,
            labels}.

    Returns:
        Its graph, boxes in original-image pixels.
    """
    objects, relations = sample['gt_instances'], sample['gt_relations']
    return TrueGraph(
        boxes=_array(objects['bboxes']).reshape(-1, 4),
        labels=_indices(objects['labels']),
        pairs=_indices(relations['pairs']).reshape(-1, 2),
        predicates=_indices(relations['labels']),
    )


def predicted_graph(sample: dict) -> PredictedGraph:
    """The prediction in a sample.

    Args:
        sample: A dict with ``pred_instances`` {bboxes, labels, scores} and
            ``pred_relations`` {pairs, predicate_scores[, scores]}.

    Returns:
        Its graph, boxes in original-image pixels.
    """
    objects, relations = sample['pred_instances'], sample['pred_relations']
    scores = relations.get('scores')
    return PredictedGraph(
        boxes=_array(objects['bboxes']).reshape(-1, 4),
        labels=_indices(objects['labels']),
        scores=_array(objects['scores']),
        pairs=_indices(relations['pairs']).reshape(-1, 2),
        predicate_scores=_array(relations['predicate_scores']),
        pair_scores=None if scores is None else _array(scores),
    )


def _array(value: Any) -> np.ndarray:
    """An array of an array, a tensor or mmdet's boxes; half becomes single."""
    value = getattr(value, 'tensor', value)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        # numpy has no bfloat16, and products of halves underflow
        if value.dtype in (torch.float16, torch.bfloat16):
            value = value.float()
        value = value.numpy()
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype == np.float16 else value


def _indices(value: Any) -> np.ndarray:
    return _array(value).astype(np.int64, copy=False)
