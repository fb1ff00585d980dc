"""Objects of a single-stage detector, which scores the boxes it finds."""

from copy import copy
from inspect import signature
from typing import Any

import torch
from mmcv.ops import nms
from mmdet.models.dense_heads import PAAHead, RTMDetInsHead
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.registry import TASK_UTILS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious, image_size

from .object_source import ObjectSource, objects_at, score_logits


@TASK_UTILS.register_module()
class SingleStageObjects(ObjectSource):
    """Objects of RTMDet, YOLOX, RetinaNet, FCOS, ATSS and the like.

    Such a detector gives boxes with one class and its score. It has no
    distribution over the classes, so that one is made of what it says of a
    place:

    - sgdet: its final boxes are clustered. The best box of a cluster is an
      object, and each class has the best score, and the box, of a member.
    - sgcls, predcls: a given box takes the scores of the candidate that
      overlaps it most, before the detector's NMS. The detector cannot score
      the given box itself.

    A class of which nothing is said has the score 0.

    Args:
        detector: With a ``bbox_head``.
        num_classes: Object classes C, without background.
        merge_iou: IoU from which final boxes are one object.
        max_per_img: Objects of an image at most.
        candidate_thr: Score of candidates at least, where the detector's
            own ``score_thr`` is not lower.

    Raises:
        TypeError: If the detector makes no boxes.
    """

    def __init__(
        self,
        detector: Any,
        num_classes: int,
        merge_iou: float = 0.6,
        max_per_img: int = 64,
        candidate_thr: float = 1e-3,
    ) -> None:
        super().__init__(detector, num_classes)
        if getattr(detector, 'bbox_head', None) is None:
            raise TypeError(
                f'SingleStageObjects: {type(detector).__name__} has no '
                'bbox_head, and so no boxes to relate'
            )
        self.merge_iou = merge_iou
        self.max_per_img = max_per_img
        self.candidate_thr = candidate_thr

    def objects(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """See the base class."""
        # scores, boxes and NMS in float32, under autocast too
        with torch.autocast(x[0].device.type, enabled=False):
            if given is None:
                return self.detect(x, batch_data_samples)
            metas = [sample.metainfo for sample in batch_data_samples]
            candidates = self.candidates(x, metas)
        return [
            objects_at(
                image,
                logits=self.classify(
                    image.bboxes, inside(found, meta['img_shape'])
                ),
            )
            for image, found, meta in zip(
                given, candidates, metas, strict=True
            )
        ]

    def detect(
        self, x: tuple[Tensor, ...], batch_data_samples: list[SGDataSample]
    ) -> list[InstanceData]:
        """Make objects of what the detector finds in each image."""
        results = self.detector.bbox_head.predict(
            x, batch_data_samples, rescale=False
        )
        return [
            self.cluster(inside(result, sample.img_shape))
            for result, sample in zip(results, batch_data_samples, strict=True)
        ]

    def candidates(
        self, x: tuple[Tensor, ...], metas: list[dict]
    ) -> list[InstanceData]:
        """List what the detector sees in each image, before its NMS.

        ``bboxes`` (M, 4), input-image pixels, ``scores`` and ``labels``
        (M,); a box may occur with several labels.
        """
        head = self.detector.bbox_head
        cfg = copy(head.test_cfg)
        cfg.score_thr = min(cfg.get('score_thr', 0), self.candidate_thr)
        # these have nothing before their NMS
        with_nms = isinstance(head, (PAAHead, RTMDetInsHead))
        options = dict(cfg=cfg, with_nms=with_nms)
        # those that look for corners have a top-k, and no such settings
        known = signature(head.predict_by_feat).parameters
        options = {k: v for k, v in options.items() if k in known}
        return head.predict_by_feat(
            *head(x), batch_img_metas=metas, rescale=False, **options
        )

    def classify(self, bboxes: Tensor, candidates: InstanceData) -> Tensor:
        """Make logits (N, C + 1) of given boxes (N, 4) of an image."""
        scores = bboxes.new_zeros(len(bboxes), self.num_classes)
        if not len(candidates) or not len(bboxes):
            return score_logits(scores)
        overlaps = box_ious(bboxes, candidates.bboxes)  # N, M
        best = overlaps.amax(dim=1, keepdim=True)
        # the same box with other labels is the same candidate
        nearest = (overlaps >= best - 1e-6) & (best > 0)
        labels = candidates.labels.expand_as(overlaps)
        scores.scatter_reduce_(
            1, labels, nearest * candidates.scores, reduce='amax'
        )
        return score_logits(scores)

    def cluster(self, result: InstanceData) -> InstanceData:
        """Make objects of the final boxes (M, 4) of an image, M >= 0."""
        bboxes, scores = result.bboxes.float(), result.scores.float()
        labels = result.labels
        kept = labels[:0]  # of no box, none
        if len(bboxes):
            kept = nms(bboxes, scores, self.merge_iou)[1][: self.max_per_img]
        rows = scores.new_zeros(len(kept), self.num_classes)
        class_bboxes = bboxes[kept][:, None].repeat(1, self.num_classes, 1)
        if len(kept):
            owned = box_ious(bboxes, bboxes[kept]) >= self.merge_iou  # M, N
            own = torch.arange(len(kept), device=kept.device)
            owned[kept] = False
            owned[kept, own] = True
            # the best object that a box belongs to
            owners = owned.int().argmax(dim=1)
            members = owned.any(dim=1).nonzero().flatten()
            cells = owners[members] * self.num_classes + labels[members]
            best = rows.flatten().scatter_reduce(
                0, cells, scores[members], reduce='amax'
            )
            rows = best.view_as(rows)
            first = members[scores[members] == best[cells]]
            class_bboxes[owners[first], labels[first]] = bboxes[first]
        return InstanceData(
            bboxes=bboxes[kept],
            class_bboxes=class_bboxes,
            logits=score_logits(rows),
        )


def inside(result: InstanceData, img_shape: tuple[int, ...]) -> InstanceData:
    """Clip boxes to their image; YOLOX leaves that out.

    Args:
        result: ``bboxes`` (M, 4), input-image pixels, and others.
        img_shape: Height and width of the image.

    Returns:
        Those whose box is finite, as few are before training.
    """
    size = image_size(img_shape, result.bboxes)
    result = result[result.bboxes.isfinite().all(dim=1)]
    result.bboxes = result.bboxes.clamp(min=0).minimum(size)
    return result
