"""Which class each object has: a given one, or one that is decided on."""

from typing import Literal

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.structures.bbox import box_ious

LateNMSRule = Literal['class', 'background', 'overwrite']
GIVEN_LOGIT = 1000.0  # of a class that was given; its probability is 1


def given_logits(labels: Tensor, logits: Tensor) -> Tensor:
    """Make logits like (N, C + 1) ``logits``, sure of the (N,) classes."""
    sure = torch.full_like(logits, -GIVEN_LOGIT)
    return sure.scatter(1, labels[:, None], GIVEN_LOGIT)


def class_probabilities(
    objects: list[InstanceData], logits: Tensor | None = None
) -> Tensor:
    """Say what is known of the classes of a batch.

    Args:
        objects: Objects of each image; see :class:`BaseRelationHead`.
        logits: (sum N, C + 1) stacked, by default the detector's.

    Returns:
        (sum N, C + 1) their distribution, background included; where a class
        is given, 1 for it.
    """
    if logits is None:
        logits = torch.cat([image.logits for image in objects])
    images = zip(objects, logits.split([*map(len, objects)]), strict=True)
    known = [
        given_logits(image.labels, rows) if 'labels' in image else rows
        for image, rows in images
    ]
    return torch.cat(known).softmax(dim=1)


def score_classes(
    objects: InstanceData, logits: Tensor, labels: Tensor, num_classes: int
) -> tuple[Tensor, Tensor]:
    """Give the classes (N,) of an image, none background, and scores (N,).

    Args:
        objects: Its objects; see :class:`BaseRelationHead`.
        logits: (N, C + 1) refined class logits.
        labels: (N,) what was decided on; background scores 0.
        num_classes: C.
    """
    rows = torch.arange(len(labels), device=labels.device)
    unserved = labels == num_classes  # by late NMS
    labels = torch.where(unserved, logits[:, :-1].argmax(dim=1), labels)
    scores = (
        objects.scores
        if 'scores' in objects
        else logits.float().softmax(dim=1)[rows, labels]
    )
    return labels, scores.masked_fill(unserved, 0.0)


def late_nms(
    scores: Tensor,
    class_bboxes: Tensor,
    iou_thr: float,
    rule: LateNMSRule = 'class',
) -> Tensor:
    """Choose a class for each detection, greedily over (box, class).

    Take the best (box, class) left; that box gets the class, which is gone
    for all boxes whose box of that class overlaps by ``iou_thr`` or more.
    Ties go to the first box, then the first class.

    The rules differ where a crowd of detections exhausts its classes, which
    takes as many detections in a place as there are classes. By 'class' all
    get one nevertheless (neural-motifs, linknet-pytorch), by 'background'
    those that are left stay background (the post-processing of
    Scene-Graph-Benchmark). By 'overwrite' a detection that already has a
    class may take another one in the place of one that is left
    (Scene-Graph-Benchmark's transformer, PE-Net).

    Args:
        scores: (N, C) probabilities of the classes, without background.
        class_bboxes: (N, C, 4) the box for each class, in one pixel frame.
        iou_thr: IoU from which two boxes cannot both have a class.
        rule: What becomes of a detection whose classes are all gone.

    Returns:
        (N,) int64 classes, C for background.
    """
    # each step waits for the one before: on a GPU that is a wait each, and
    # numpy, unlike torch, settles ties by position and is quick to call
    device = scores.device
    left = scores.detach().cpu().numpy().copy()
    boxes = class_bboxes.detach().float().cpu().numpy()
    labels = np.full(len(left), scores.shape[1], dtype=np.int64)
    best = left.max(axis=1, initial=-1)  # of each row, kept up to date
    for _ in range(len(left)):
        row = int(best.argmax())
        label = int(left[row].argmax())
        if rule == 'background' and best[row] <= 0:
            break
        labels[row] = label
        ious = box_ious(
            boxes[row : row + 1, label], boxes[:, label], np.float32
        )
        suppressed = np.flatnonzero(ious[0] >= iou_thr)
        gone = left[suppressed, label].clip(max=0)  # a served row stays -1
        left[suppressed, label] = 0 if rule == 'overwrite' else gone
        left[row] = -1
        best[suppressed] = left[suppressed].max(axis=1)
        best[row] = -1
    return torch.from_numpy(labels).to(device)
