"""Objects of a detection transformer: what its queries found."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from mmcv.ops import batched_nms
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.registry import TASK_UTILS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious, image_size

from .object_source import ObjectSource, objects_at, score_logits


@TASK_UTILS.register_module()
class TransformerObjects(ObjectSource):
    """Objects of DETR, Deformable DETR, DINO and the like.

    Each query of the last decoder layer has a box, a class distribution and
    its state, which objects keep as ``features`` (N, d). In sgdet the best
    queries are the objects. In sgcls and predcls a given box takes the query
    whose box overlaps it most: the detector cannot score the given box
    itself.

    Args:
        detector: mmdet's ``DetectionTransformer``.
        num_classes: Object classes C, without background.
        score_thr: Probability of its likeliest class up to which a query is
            no object.
        merge_iou: IoU above which two queries of one likeliest class are one
            object.
        max_per_img: Objects of an image at most.
    """

    def __init__(
        self,
        detector: Any,
        num_classes: int,
        score_thr: float = 0.01,
        merge_iou: float = 0.6,
        max_per_img: int = 64,
    ) -> None:
        super().__init__(detector, num_classes)
        self.score_thr = score_thr
        self.merge_iou = merge_iou
        self.max_per_img = max_per_img

    def objects(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """See the base class."""
        queries = self.queries(x, batch_data_samples)
        if given is None:
            return [self.select(image) for image in queries]
        return [
            self.assign(image, image_queries)
            for image, image_queries in zip(given, queries, strict=True)
        ]

    def queries(
        self, x: tuple[Tensor, ...], batch_data_samples: list[SGDataSample]
    ) -> list[InstanceData]:
        """List what the queries of each image found.

        ``bboxes`` (Q, 4), input-image pixels, ``logits`` (Q, C + 1),
        background last, and ``features`` (Q, d).
        """
        head = self.detector.bbox_head
        found = self.detector.forward_transformer(x, batch_data_samples)
        scores, boxes = called_with(head, found)
        images = zip(
            scores[-1],
            boxes[-1],
            found['hidden_states'][-1],
            self._distinct(len(batch_data_samples)),
            batch_data_samples,
            strict=True,
        )
        queries = []
        for logits, image_boxes, states, distinct, sample in images:
            size = image_size(sample.img_shape, boxes)
            corners = bbox_cxcywh_to_xyxy(image_boxes.float()) * size
            logits = logits.float()
            if head.loss_cls.use_sigmoid:
                logits = score_logits(logits.sigmoid())
            queries.append(
                InstanceData(
                    bboxes=corners.clamp(min=0).minimum(size),
                    logits=logits,
                    features=states,
                )[distinct]
            )
        return queries

    def _distinct(self, num_images: int) -> list[Tensor | slice]:
        """Say which queries of an image count; DDQ drops similar ones."""
        cache = getattr(self.detector.bbox_head, 'cache_dict', None)
        if cache is None:
            return [slice(None)] * num_images
        masks = cache['distinct_query_mask'][-1]
        return [masks[i * cache['num_heads']][0] for i in range(num_images)]

    def select(self, queries: InstanceData) -> InstanceData:
        """Make objects of the best queries of an image, the best first."""
        scores, labels = queries.logits.softmax(dim=1)[:, :-1].max(dim=1)
        rows = (scores > self.score_thr).nonzero().flatten()
        if len(rows):  # mmcv's NMS does not stand an empty input
            nms = dict(type='nms', iou_threshold=self.merge_iou)
            _, kept = batched_nms(
                queries.bboxes[rows], scores[rows], labels[rows], nms
            )
            rows = rows[kept[: self.max_per_img]]
        objects = queries[rows]
        objects.class_bboxes = objects.bboxes[:, None].expand(
            -1, self.num_classes, 4
        )
        return objects

    def assign(
        self, given: InstanceData, queries: InstanceData
    ) -> InstanceData:
        """Make objects of given boxes, each by the query next to it."""
        overlaps, rows = box_ious(given.bboxes, queries.bboxes).max(dim=1)
        nothing = score_logits(
            queries.logits.new_zeros(len(rows), self.num_classes)
        )
        logits = queries.logits[rows]
        logits = logits.where(overlaps[:, None] > 0, nothing)
        return objects_at(
            given, logits=logits, features=queries.features[rows]
        )


def called_with(function: Callable, arguments: Mapping[str, Any]) -> Any:
    """Call a head, or a method of it, with those arguments that it takes."""
    wanted = signature(getattr(function, 'forward', function)).parameters
    return function(**{k: v for k, v in arguments.items() if k in wanted})
