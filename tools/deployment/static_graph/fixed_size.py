"""NMS and the like whose results have as many rows as their inputs.

What a filter would drop stays, with the score ``EMPTY``, behind the rest.
"""

from collections.abc import Callable
from typing import Any

import torch
from mmcv.ops import nms
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop

from mmsgg.structures.bbox import box_ious

EMPTY = -1.0  # score of a row with nothing in it


def loop(
    more: Callable[..., Tensor],
    step: Callable[..., tuple[Tensor, ...]],
    state: tuple[Tensor, ...],
) -> tuple[Tensor, ...]:
    """Take steps as long as there are more, also in an exported program."""
    if torch.compiler.is_exporting():
        return while_loop(more, step, state)
    while more(*state):
        state = step(*state)
    return state


def best_first(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Sort (n,) scores; return them and their (n,) rows."""
    return scores.sort(descending=True, stable=True)


@torch.library.custom_op('mmsgg::survivors', mutates_args=())
def survivors(boxes: Tensor, present: Tensor, iou_thr: float) -> Tensor:
    """Say which boxes greedy NMS keeps, by mmcv's; ONNX has its own.

    Args:
        boxes: (n, 4) the best first.
        present: (n,) bool, which of them count.
        iou_thr: IoU above which the worse of two boxes goes.

    Returns:
        (n,) bool.
    """
    rows = present.nonzero().flatten()
    kept = torch.zeros_like(present)
    if len(rows):
        falling = -torch.arange(len(rows), device=boxes.device).to(boxes)
        _, winners = nms(boxes[rows], falling, iou_thr)
        kept[rows[winners]] = True
    return kept


@survivors.register_fake
def _(boxes: Tensor, present: Tensor, iou_thr: float) -> Tensor:
    return torch.empty_like(present)


def fixed_batched_nms(
    boxes: Tensor, scores: Tensor, idxs: Tensor, nms_cfg: dict, *_: Any
) -> tuple[Tensor, Tensor]:
    """Do as mmcv's ``batched_nms``; boxes without area are dropped too.

    Returns:
        Boxes with scores (n, 5), and (n,) which rows of the input they are:
        what is kept, the best first, then what is not, as ``EMPTY``.
    """
    areas = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1)
    scores = torch.where(areas > 0, scores, EMPTY)
    scores, order = best_first(scores)
    boxes, present = boxes[order], scores > 0
    # boxes of one group lie apart from those of another
    apart = (boxes * present[:, None]).max() + 1
    shifted = boxes + (idxs[order] * apart)[:, None]
    kept = survivors(shifted, present, nms_cfg['iou_threshold'])
    scores, rows = best_first(torch.where(kept, scores, EMPTY))
    return torch.cat([boxes[rows], scores[:, None]], dim=1), order[rows]


def fixed_topk(
    scores: Tensor, score_thr: float, topk: int, results: dict
) -> tuple[Tensor, Tensor, Tensor, dict]:
    """Do as mmdet's ``filter_scores_and_topk``; see there."""
    flat = scores.flatten()
    flat = torch.where(flat > score_thr, flat, EMPTY)
    best, cells = flat.topk(min(topk, len(flat)))
    rows = cells // scores.shape[1]
    labels = cells % scores.shape[1]
    return best, labels, rows, {k: v[rows] for k, v in results.items()}


def fixed_late_nms(
    scores: Tensor, class_bboxes: Tensor, present: Tensor, iou_thr: float
) -> Tensor:
    """Do as :func:`mmsgg.models.relation_heads.object_classes.late_nms`.

    Args:
        scores: (N, C) probabilities of the classes, without background.
        class_bboxes: (N, C, 4) the box for each class.
        present: (N,) bool, which objects there are; the others get class 0.
        iou_thr: IoU from which two boxes cannot both have a class.

    Returns:
        (N,) int64 classes.
    """
    num, num_classes = scores.shape
    rows = torch.arange(num, device=scores.device)
    classes = torch.arange(num_classes, device=scores.device)

    def more(step: Tensor, left: Tensor, labels: Tensor) -> Tensor:
        return (step < num).all()

    def serve(
        step: Tensor, left: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        best = left.flatten().argmax(dim=0, keepdim=True)  # 1
        row, label = best // num_classes, best % num_classes
        served = (rows == row) & (left.amax(dim=1) >= 0)  # N
        boxes = class_bboxes.index_select(1, label)[:, 0]
        overlaps = box_ious(boxes.index_select(0, row), boxes)[0] >= iou_thr
        gone = overlaps[:, None] & (classes == label) & served.any()
        left = torch.where(gone, left.clamp(max=0), left)
        left = torch.where(served[:, None], EMPTY, left)
        return step + 1, left, torch.where(served, label, labels)

    start = torch.zeros_like(rows[:1])
    left = torch.where(present[:, None], scores, EMPTY)
    return loop(more, serve, (start, left, torch.zeros_like(rows)))[2]
