"""Name detections one after another, no object twice."""

import numpy as np
import torch
from torch import Tensor

from mmsgg.structures.bbox import box_ious


def late_nms(scores: Tensor, class_bboxes: Tensor, iou_thr: float) -> Tensor:
    """Choose a class for each detection, greedily over (box, class).

    Take the best (box, class) left; that box is named, and the class is gone
    for all boxes whose box of that class overlaps by ``iou_thr`` or more.
    Every detection gets a class (neural-motifs, linknet-pytorch). Ties go to
    the first box, then the first class.

    Args:
        scores: (N, C) probabilities of the classes, without background.
        class_bboxes: (N, C, 4) the box for each class, in one pixel frame.
        iou_thr: IoU from which two boxes cannot both have a class.

    Returns:
        (N,) int64 classes.
    """
    # each step waits for the one before: on a GPU that is a wait each, and
    # numpy, unlike torch, settles ties by position
    device = scores.device
    left = scores.detach().cpu().numpy().copy()
    class_bboxes = class_bboxes.detach().cpu()
    labels = np.zeros(len(left), dtype=np.int64)
    for _ in range(len(left)):
        row, label = divmod(int(left.argmax()), left.shape[1])
        labels[row] = label
        boxes = class_bboxes[:, label]
        overlapping = box_ious(boxes[row : row + 1], boxes)[0] >= iou_thr
        suppressed = overlapping.numpy()
        left[suppressed, label] = left[suppressed, label].clip(max=0)
        left[row] = -1
    return torch.from_numpy(labels).to(device)
