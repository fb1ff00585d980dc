"""From scored proposals to the objects of a scene graph."""

import torch
from mmcv.ops import batched_nms
from mmengine.structures import InstanceData
from torch import Tensor


def as_logits(scores: Tensor) -> Tensor:
    """Logits whose softmax gives the probabilities ``scores`` (n, C + 1)."""
    return scores.clamp(min=torch.finfo(scores.dtype).tiny).log()


def select_detections(
    scores: Tensor,
    class_bboxes: Tensor,
    score_thr: float = 0.01,
    nms: dict | None = None,
    max_per_img: int = 64,
    proposals: Tensor | None = None,
) -> InstanceData:
    """Keep the best boxes of an image, each once, with all it could be.

    mmdet's NMS returns (box, class) pairs and forgets the other classes. A
    scene graph needs one node a box, with its whole class distribution: NMS
    runs for each class by itself, then a box that survived in several classes
    takes its best one (the rule of neural-motifs).

    Args:
        scores: (n, C + 1) class probabilities, background last.
        class_bboxes: (n, C, 4) the box for each class, input-image pixels.
        score_thr: Probability up to which a class of a box is dropped.
        nms: Config of mmcv's NMS within a class.
        max_per_img: How many boxes to keep at most.
        proposals: (n, 4) boxes that the objects are to lie in, for a head
            that was trained on proposals, not on the boxes regressed from
            them.

    Returns:
        Objects, the best first: ``bboxes`` (N, 4), each the box of its best
        class that survived unless ``proposals`` are given, ``class_bboxes``
        (N, C, 4) and ``logits`` (N, C + 1); N = 0 is legal.
    """
    foreground = scores[:, :-1]
    rows, classes = (foreground > score_thr).nonzero(as_tuple=True)
    if len(rows):  # mmcv's NMS does not stand an empty input
        _, kept = batched_nms(
            class_bboxes[rows, classes],
            foreground[rows, classes],
            classes,
            nms or dict(type='nms', iou_threshold=0.3),
        )
        rows, classes = rows[kept], classes[kept]
    survived = torch.zeros_like(foreground)
    survived[rows, classes] = foreground[rows, classes]
    best, labels = survived.max(dim=1)
    order = best.argsort(descending=True, stable=True)[:max_per_img]
    order = order[best[order] > 0]
    bboxes = class_bboxes[order, labels[order]]
    if proposals is not None:
        bboxes = proposals[order]
    return InstanceData(
        bboxes=bboxes,
        class_bboxes=class_bboxes[order],
        logits=as_logits(scores[order]),
    )
