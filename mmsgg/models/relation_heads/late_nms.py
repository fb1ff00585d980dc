"""Name detections one after another, no object twice."""

import torch
from torch import Tensor

from mmsgg.models.task_modules.relation_sampler import box_ious


def late_nms(scores: Tensor, class_bboxes: Tensor, iou_thr: float) -> Tensor:
    """Choose a class for each detection, greedily over (box, class).

    Take the best (box, class) left; that box is named, and the class is gone
    for all boxes whose box of that class overlaps by ``iou_thr`` or more.
    Every detection gets a class (neural-motifs, linknet-pytorch).

    Args:
        scores: (N, C) probabilities of the classes, without background.
        class_bboxes: (N, C, 4) the box for each class, in one pixel frame.
        iou_thr: IoU from which two boxes cannot both have a class.

    Returns:
        (N,) int64 classes.
    """
    num_classes = scores.shape[1]
    labels = scores.new_zeros(len(scores), dtype=torch.long)
    scores = scores.clone()
    for _ in range(len(scores)):
        row, label = divmod(int(scores.argmax()), num_classes)
        labels[row] = label
        boxes = class_bboxes[:, label]
        overlapping = box_ious(boxes[row : row + 1], boxes)[0] >= iou_thr
        scores[overlapping, label] = 0
        scores[row] = -1
    return labels
