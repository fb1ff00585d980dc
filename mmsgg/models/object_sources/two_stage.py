"""Objects of a two-stage detector, whose RoI head scores any box."""

from typing import Any

import torch
from mmcv.ops import batched_nms
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads import (
    HybridTaskCascadeRoIHead,
    SCNetRoIHead,
    SparseRoIHead,
)
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.registry import TASK_UTILS
from mmsgg.structures import SGDataSample

from .object_source import ObjectSource, objects_at

# They score learned queries, or boxes together with a semantic map.
UNFIT_ROI_HEADS = (SparseRoIHead, HybridTaskCascadeRoIHead, SCNetRoIHead)


@TASK_UTILS.register_module()
class TwoStageObjects(ObjectSource):
    """Objects of mmdet's ``TwoStageDetector``, cascades included.

    The RoI head gives each box its class distribution and a box for each
    class: given boxes in predcls and sgcls; in sgdet the proposals of the
    RPN, or those that the samples bring along.

    Args:
        detector: With an RoI head that scores given boxes.
        num_classes: Object classes C, without background.
        relate_proposals: Whether objects lie in the proposals, not in the
            boxes regressed from them, as linknet-pytorch has it.
        selection: Arguments of :func:`select_detections`.

    Raises:
        TypeError: If the RoI head cannot score given boxes.
    """

    def __init__(
        self,
        detector: Any,
        num_classes: int,
        relate_proposals: bool = False,
        **selection: Any,
    ) -> None:
        super().__init__(detector, num_classes)
        roi_head = getattr(detector, 'roi_head', None)
        if roi_head is None or isinstance(roi_head, UNFIT_ROI_HEADS):
            raise TypeError(
                f'TwoStageObjects: {type(roi_head).__name__} cannot score '
                f'given boxes by themselves; take a detector with a '
                f'StandardRoIHead or CascadeRoIHead of mmdet'
            )
        self.relate_proposals = relate_proposals
        self.selection = selection

    @property
    def shared_forwards(self) -> list[nn.Module]:
        """The RPN, of which the maps are shared, not the proposals.

        The detector's losses take proposals by ``train_cfg.rpn_proposal``,
        the objects those of ``test_cfg.rpn``. Other dense heads in its place
        run twice, as some (FCOS) give other maps in training than in a test.
        """
        rpn = getattr(self.detector, 'rpn_head', None)
        return [rpn] if isinstance(rpn, RPNHead) else []

    def objects(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """See the base class."""
        boxes = given or self.propose(x, batch_data_samples)
        metas = [sample.metainfo for sample in batch_data_samples]
        # without a test_cfg, mmdet hands out all classes of all boxes
        results = self.detector.roi_head.predict_bbox(x, metas, boxes, None)
        images = zip(results, boxes, strict=True)
        if given is not None:
            return [
                objects_at(image, logits=log_probabilities(result.scores))
                for result, image in images
            ]
        return [self._detections(result, image) for result, image in images]

    def propose(
        self, x: tuple[Tensor, ...], batch_data_samples: list[SGDataSample]
    ) -> list[InstanceData]:
        """Take the proposals that samples bring along, else the RPN's.

        Raises:
            ValueError: If there is neither.
        """
        first = batch_data_samples[0]
        if 'proposals' in first:
            return [sample.proposals for sample in batch_data_samples]
        if not self.detector.with_rpn:
            raise ValueError(
                f'The detector has no rpn_head, and the sample of '
                f'{first.get("img_path", "an image")} brings no proposals; '
                f'add LoadProposals to the pipeline, or an rpn_head'
            )
        # boxes and NMS in float32, under autocast too
        with torch.autocast(x[0].device.type, enabled=False):
            return self.detector.rpn_head.predict(
                x, batch_data_samples, rescale=False
            )

    def _detections(
        self, result: InstanceData, proposals: InstanceData
    ) -> InstanceData:
        """Select objects from all classes of all proposals of an image."""
        num, num_classes = len(result.scores), result.scores.shape[1] - 1
        # one box a class, or one for all where regression is class agnostic
        num_boxes = result.bboxes.shape[1] // 4
        class_bboxes = result.bboxes.reshape(num, num_boxes, 4)
        class_bboxes = class_bboxes.expand(-1, num_classes, 4)
        return select_detections(
            result.scores,
            class_bboxes,
            proposals=proposals.bboxes if self.relate_proposals else None,
            **self.selection,
        )


def log_probabilities(scores: Tensor) -> Tensor:
    """Logits whose softmax gives the probabilities ``scores`` (n, C + 1)."""
    return scores.clamp(min=torch.finfo(scores.dtype).tiny).log()


def select_detections(
    scores: Tensor,
    class_bboxes: Tensor,
    score_thr: float = 0.01,
    nms: dict | None = None,
    max_per_img: int = 64,
    proposals: Tensor | None = None,
    max_per_class: int | None = None,
    proposal_order: bool = False,
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
        max_per_class: How many of the boxes that survived NMS in a class
            count there, the first ones (Scene-Graph-Benchmark).
        proposal_order: Whether objects come in the order of the boxes (of
            proposals, the likeliest object first), not the best first.

    Returns:
        Objects, in their order: ``bboxes`` (N, 4), each the box of its best
        class that survived unless ``proposals`` are given, ``class_bboxes``
        (N, C, 4) and ``logits`` (N, C + 1); N = 0 is legal.
    """
    survived = _survivors(
        scores[:, :-1],
        class_bboxes,
        score_thr,
        nms or dict(type='nms', iou_threshold=0.3),
    )
    if max_per_class is not None:
        rank = (survived > 0).cumsum(dim=0)
        survived = survived.masked_fill(rank > max_per_class, 0)
    best, labels = survived.max(dim=1)
    order = best.argsort(descending=True, stable=True)[:max_per_img]
    order = order[best[order] > 0]
    if proposal_order:
        order = order.sort().values
    bboxes = class_bboxes[order, labels[order]]
    if proposals is not None:
        bboxes = proposals[order]
    return InstanceData(
        bboxes=bboxes,
        class_bboxes=class_bboxes[order],
        logits=log_probabilities(scores[order]),
    )


def _survivors(
    scores: Tensor, class_bboxes: Tensor, score_thr: float, nms: dict
) -> Tensor:
    """The (n, C) scores of what survives NMS within its class, else 0."""
    rows, classes = (scores > score_thr).nonzero(as_tuple=True)
    if len(rows):  # mmcv's NMS does not stand an empty input
        _, kept = batched_nms(
            class_bboxes[rows, classes], scores[rows, classes], classes, nms
        )
        rows, classes = rows[kept], classes[kept]
    survived = torch.zeros_like(scores)
    survived[rows, classes] = scores[rows, classes]
    return survived
