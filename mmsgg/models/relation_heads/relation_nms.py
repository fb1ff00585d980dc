"""Non-maximum suppression of relations between the same objects."""

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.structures.bbox import box_ious


def relation_nms(
    instances: InstanceData,
    relations: InstanceData,
    iou_thr: float,
    rank_by_subject: bool = False,
) -> InstanceData:
    """Let pairs of the same objects not have the same predicate.

    Two boxes of one class that overlap by ``iou_thr`` or more are the same
    object; two pairs of the same subject and the same object share the
    predicates. Greedily: the most probable (pair, predicate) left is chosen,
    and the predicate is gone for all pairs of these objects. What never was
    any other's stays as it is.

    Part of PE-Net's evaluation of predcls and sgcls, which then ranks by the
    probability of the predicate and the score of the subject, squared, the
    object's left out: ``rank_by_subject`` gives that order, to compare with
    figures that were published so. It changes R@K, mR@K and zR@K, not those
    without graph constraint.

    Args:
        instances: ``bboxes`` (N, 4), ``labels`` and ``scores`` (N,).
        relations: ``pairs`` (K, 2) and ``predicate_scores`` (K, P), in the
            order that settles ties.
        iou_thr: IoU from which two boxes are the same object.
        rank_by_subject: Whether to rank in the way above, and not by the
            scores of predicate, subject and object.

    Returns:
        ``pred_relations`` as of :class:`SGDataSample`, predicates that are
        gone with the score 0.
    """
    pairs, scores = relations.pairs, instances.scores
    predicate_scores = suppress(
        relations.predicate_scores, pairs, same_objects(instances, iou_thr)
    )
    best, labels = predicate_scores.max(dim=1)
    subjects, objects = scores[pairs].unbind(dim=1)
    ranks = best * subjects * (subjects if rank_by_subject else objects)
    order = ranks.argsort(descending=True, stable=True)
    return InstanceData(
        pairs=pairs[order],
        labels=labels[order],
        scores=ranks[order],
        predicate_scores=predicate_scores[order],
    )


def same_objects(instances: InstanceData, iou_thr: float) -> Tensor:
    """Say which instances (N, N) are the same object."""
    labels = instances.labels
    overlap = box_ious(instances.bboxes, instances.bboxes) >= iou_thr
    return overlap & (labels[:, None] == labels)


def suppress(predicate_scores: Tensor, pairs: Tensor, same: Tensor) -> Tensor:
    """Take predicates away from pairs of the same objects.

    Args:
        predicate_scores: (K, P) probabilities.
        pairs: (K, 2) rows [subject, object] of the instances.
        same: (N, N) bool, which instances are the same object.

    Returns:
        (K, P), 0 for what was gone before the pair got its predicate.
    """
    # the greedy choice matters only where there are several
    several = same.sum(dim=1) > 1
    rows = several[pairs].any(dim=1).nonzero().flatten()
    subjects, objects = pairs[rows].T
    shared = same[subjects][:, subjects] & same[objects][:, objects]
    # each step waits for the one before, and numpy settles ties by position
    left = predicate_scores[rows].detach().cpu().numpy().copy()
    sharing = shared.cpu().numpy()
    final = np.zeros_like(left)
    for _ in range(len(left)):
        pair, predicate = divmod(int(left.argmax()), left.shape[1])
        if left[pair, predicate] <= 0:
            break
        final[pair] = left[pair]
        left[sharing[pair], predicate] = 0
        left[pair] = -1
    result = predicate_scores.clone()
    result[rows] = torch.from_numpy(final).to(result)
    return result
