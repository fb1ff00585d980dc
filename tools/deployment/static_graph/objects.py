"""Objects of a detector, always as many, with a mask of those there are."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models import QueryObjects, SingleStageObjects, TwoStageObjects
from mmsgg.models.object_sources import query
from mmsgg.models.object_sources.object_source import Found, score_logits
from mmsgg.models.object_sources.two_stage import log_probabilities
from mmsgg.structures.bbox import box_ious

from .fixed_size import (
    EMPTY,
    best_first,
    fixed_batched_nms,
    fixed_topk,
    survivors,
)


@contextmanager
def fixed_filters(head: Any) -> Iterator[None]:
    """Let a dense head of mmdet filter and select by masks."""
    replaced = dict(
        filter_scores_and_topk=fixed_topk, batched_nms=fixed_batched_nms
    )
    modules = {sys.modules[kind.__module__] for kind in type(head).__mro__}
    with ExitStack() as stack:
        for module in modules:
            for name, function in replaced.items():
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, function))
        yield


class FixedQueryObjects(QueryObjects):
    """Queries, all of which are present."""

    def find(self, *args: Any, **kwargs: Any) -> Found:
        """See the base class."""
        with patch.object(query, 'image_size', image_size):
            return super().find(*args, **kwargs)


def image_size(img_shape: Any, like: Tensor) -> Tensor:
    """Do as the function of that name of a size that is not yet known."""
    sides = [like.new_ones(()) * side for side in img_shape]
    return torch.stack(sides[::-1] * 2)


class FixedSingleStageObjects(SingleStageObjects):
    """Objects of RTMDet and the like; ``present`` (N,) says which count."""

    def objects(self, x: Any, batch_data_samples: Any, given: Any) -> list:
        """See the base class."""
        head, sample = self.detector.bbox_head, batch_data_samples[0]
        with fixed_filters(head):
            [result] = head.predict(x, batch_data_samples, rescale=False)
        height, width = sample.img_shape
        x1, y1, x2, y2 = result.bboxes.unbind(dim=1)
        x1, x2 = x1.clamp(0, width), x2.clamp(0, width)
        y1, y2 = y1.clamp(0, height), y2.clamp(0, height)
        result.bboxes = torch.stack([x1, y1, x2, y2], dim=1)
        return [self.cluster(result)]

    def cluster(self, result: InstanceData) -> InstanceData:
        """See the base class; boxes come the best first."""
        bboxes, scores, labels = result.bboxes, result.scores, result.labels
        present = scores > 0  # M
        kept = survivors(bboxes, present, self.merge_iou)
        _, rows = best_first(torch.where(kept, scores, EMPTY))
        rows = rows[: self.max_per_img]  # N
        owned = box_ious(bboxes, bboxes[rows]) >= self.merge_iou  # M, N
        index = torch.arange(len(bboxes), device=rows.device)
        itself = (index[:, None] == rows) & kept[rows]
        owned = (owned & ~itself.any(dim=1, keepdim=True)) | itself
        owned = owned & present[:, None] & kept[rows]
        owned = owned & (owned.cumsum(dim=1) == 1)  # by the best object
        classes = torch.arange(self.num_classes, device=rows.device)
        said = owned[..., None] & (labels[:, None, None] == classes)
        best, members = torch.where(  # M, N, C -> N, C
            said, scores[:, None, None], EMPTY
        ).max(dim=0)
        own = bboxes[rows][:, None]
        return InstanceData(
            bboxes=bboxes[rows],
            class_bboxes=torch.where(
                best[..., None] > 0, bboxes[members], own
            ),
            logits=score_logits(best.clamp(min=0)),
            present=kept[rows],
        )


class FixedTwoStageObjects(TwoStageObjects):
    """Objects of Faster R-CNN; ``present`` (N,) says which count."""

    candidates = 1000  # (box, class) pairs that NMS chooses from

    def objects(self, x: Any, batch_data_samples: Any, given: Any) -> list:
        """See the base class."""
        with fixed_filters(self.detector.rpn_head):
            [proposals] = self.propose(x, batch_data_samples)
        metas = [sample.metainfo for sample in batch_data_samples]
        [result] = self.detector.roi_head.predict_bbox(
            x, metas, [proposals], None
        )
        there = proposals.scores > 0
        result.scores = torch.where(there[:, None], result.scores, 0.0)
        return [self._detections(result, proposals)]

    def _detections(
        self, result: InstanceData, proposals: InstanceData
    ) -> InstanceData:
        """See the base class, and :func:`select_detections`."""
        num, num_classes = len(result.scores), self.num_classes
        class_bboxes = result.bboxes.reshape(num, -1, 4)
        class_bboxes = class_bboxes.expand(-1, num_classes, 4)
        best, labels, rows, _ = fixed_topk(
            result.scores[:, :-1],
            self.selection.get('score_thr', 0.01),
            self.candidates,
            {},
        )
        dets, order = fixed_batched_nms(
            class_bboxes[rows, labels],
            best,
            labels,
            self.selection.get('nms') or dict(iou_threshold=0.3),
        )
        scores, rows, labels = dets[:, 4], rows[order], labels[order]
        # of what survived of a box, its best class counts
        earlier = (rows[:, None] == rows).tril(-1).any(dim=1)
        scores, order = best_first(torch.where(earlier, EMPTY, scores))
        order = order[: self.selection.get('max_per_img', 64)]
        rows = rows[order]
        bboxes = proposals.bboxes[rows]
        if not self.relate_proposals:
            bboxes = class_bboxes[rows, labels[order]]
        return InstanceData(
            bboxes=bboxes,
            class_bboxes=class_bboxes[rows],
            logits=log_probabilities(result.scores[rows]),
            present=scores[: len(order)] > 0,
        )
