"""What all relation heads share: pairs, targets, losses, ranking."""

from abc import abstractmethod
from contextlib import nullcontext

import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.task_modules.relation_sampler import RelationTargets
from mmsgg.registry import MODELS, TASK_UTILS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious

from .late_nms import late_nms

KNOWN = 1000.0  # logit of a class that was given; its probability is 1


class BaseRelationHead(BaseModule):
    """Base class of the heads that turn objects into a scene graph.

    A method implements :meth:`forward`, and what it needs in ``__init__``::

        training:   loss ----> sampler.sample, forward, loss_by_feat
        inference:  predict -> all_pairs, forward, debiasing, predict_by_feat

    *Objects* are what a detector found or was given, for each image an
    InstanceData with

    - ``bboxes`` (N, 4), input-image pixels;
    - ``logits`` (N, C + 1), the detector's class logits, background last;
    - ``labels`` (N,) only where classes are known (predcls), and with them
      ``scores`` (N,) where these are not certain;
    - ``class_bboxes`` (N, C, 4) only where the boxes are detections (sgdet);
    - ``pairs`` (K, 2) rows [subject, object], as metainfo, only where it is
      known which objects are related.

    A head that gets along with boxes and classes has ``uses_image = False``;
    its x is ``()``.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        sampler: Config of the sampler of training pairs.
        loss_object: Config of the loss of the refined classes.
        loss_predicate: Config of the loss of the predicates.
        overlap_only: Whether only overlapping pairs are related, in
            inference (sgdet of neural-motifs and linknet-pytorch).
        late_nms_iou: IoU of :func:`late_nms` on detections.
        debiasing: Config of :class:`TotalDirectEffect`, or None to take the
            predicates as they are.
        init_cfg: Initialisation, mmengine's.
    """

    uses_image = True

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        sampler: dict | None = None,
        loss_object: dict | None = None,
        loss_predicate: dict | None = None,
        overlap_only: bool = False,
        late_nms_iou: float = 0.3,
        debiasing: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = num_classes
        self.num_predicates = num_predicates
        self.overlap_only = overlap_only
        self.late_nms_iou = late_nms_iou
        self.sampler = TASK_UTILS.build(
            sampler or dict(type='RelationSampler')
        )
        cross_entropy = dict(type='mmdet.CrossEntropyLoss')
        self.loss_object = MODELS.build(loss_object or cross_entropy)
        self.loss_predicate = MODELS.build(loss_predicate or cross_entropy)
        self.debiasing = MODELS.build(debiasing) if debiasing else None

    @abstractmethod
    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Refine the objects and score the pairs of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W).
            objects: Objects of each image; see the class.
            pairs: For each image (K, 2) rows [subject, object] of them.

        Returns:
            For each image the refined class logits (N, C + 1), and the
            predicate logits (K, P + 1), background last in both.
        """

    def loss(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Sample pairs and compute the losses of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W).
            objects: Objects of each image; see the class. They get
                ``target_labels``, which stand for the classes wherever a
                pair's feature depends on them (teacher forcing).
            batch_data_samples: Their ``gt_instances`` (input-image pixels)
                and ``gt_relations``.

        Returns:
            Scalars: what holds 'loss' in its name is minimised.
        """
        targets = [
            self.sampler.sample(
                image_objects,
                sample.gt_instances,
                sample.gt_relations,
                self.num_classes,
                self.num_predicates,
            )
            for image_objects, sample in zip(
                objects, batch_data_samples, strict=True
            )
        ]
        for image_objects, target in zip(objects, targets, strict=True):
            image_objects.target_labels = target.labels
        pairs = [target.pairs for target in targets]
        with self.debiasing.watch(self) if self.debiasing else nullcontext():
            object_logits, predicate_logits = self(x, objects, pairs)
        return self.loss_by_feat(object_logits, predicate_logits, targets)

    def loss_by_feat(
        self,
        object_logits: list[Tensor],
        predicate_logits: list[Tensor],
        targets: list[RelationTargets],
    ) -> dict[str, Tensor]:
        """Compare what :meth:`forward` gave with the targets.

        Means are taken over all objects, and over all pairs, of the batch.
        """
        pairs = zip(
            ('object', 'predicate'),
            (torch.cat(object_logits), torch.cat(predicate_logits)),
            (
                torch.cat([target.labels for target in targets]),
                torch.cat([target.predicates for target in targets]),
            ),
            strict=True,
        )
        losses = {}
        for name, logits, labels in pairs:
            num = max(len(labels), 1)
            loss = getattr(self, f'loss_{name}')
            losses[f'loss_{name}'] = loss(logits, labels, avg_factor=num)
            hits = (logits.argmax(dim=1) == labels).sum()
            losses[f'acc_{name}'] = 100 * hits / num
        return losses

    def predict(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_img_metas: list[dict],
        rescale: bool = False,
    ) -> list[tuple[InstanceData, InstanceData]]:
        """Predict the scene graphs of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W).
            objects: Objects of each image; see the class.
            batch_img_metas: Their ``scale_factor`` (w, h) is used.
            rescale: Whether to return boxes in original-image pixels.

        Returns:
            For each image its instances and its relations, as
            ``pred_instances`` and ``pred_relations`` of
            :class:`SGDataSample`.
        """
        pairs = [self.all_pairs(image_objects) for image_objects in objects]
        object_logits, predicate_logits = self(x, objects, pairs)
        if self.debiasing:
            predicate_logits = self.debiasing(
                self, x, objects, pairs, object_logits, predicate_logits
            )
        return [
            self.predict_by_feat(*image, rescale=rescale)
            for image in zip(
                object_logits,
                predicate_logits,
                objects,
                pairs,
                batch_img_metas,
                strict=True,
            )
        ]

    def all_pairs(self, objects: InstanceData) -> Tensor:
        """List the (K, 2) ordered pairs of one image's objects."""
        if 'pairs' in objects:
            return objects.pairs
        bboxes = objects.bboxes
        related = bboxes.new_ones(len(bboxes), len(bboxes), dtype=torch.bool)
        if self.overlap_only:
            related = box_ious(bboxes, bboxes) > 0
        return related.fill_diagonal_(False).nonzero()

    def decide_labels(self, objects: InstanceData, logits: Tensor) -> Tensor:
        """Choose the (N,) classes of one image's objects, none background.

        They are, in this order: given (predcls), the target of training
        where that is no background, chosen by :func:`late_nms` (sgdet), the
        most probable ones (sgcls).

        Args:
            objects: N objects; see the class.
            logits: (N, C + 1) refined class logits.
        """
        if 'labels' in objects:
            return objects.labels
        likeliest = logits[:, :-1].argmax(dim=1)
        if 'target_labels' in objects:
            targets = objects.target_labels
            return torch.where(targets < self.num_classes, targets, likeliest)
        if 'class_bboxes' in objects:
            scores = logits.float().softmax(dim=1)[:, :-1]
            return late_nms(scores, objects.class_bboxes, self.late_nms_iou)
        return likeliest

    def known_logits(self, objects: InstanceData, logits: Tensor) -> Tensor:
        """Replace (N, C + 1) logits by certainty where classes are given.

        Not in training, where all there is to learn is learned: what is
        trained for predcls can classify too.
        """
        if self.training or 'labels' not in objects:
            return logits
        known = torch.full_like(logits, -KNOWN)
        return known.scatter(1, objects.labels[:, None], KNOWN)

    def name_objects(
        self, objects: list[InstanceData], logits: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Say what the objects of a batch are, image by image.

        Args:
            objects: Objects of each image; see the class.
            logits: (sum N, C + 1) refined class logits, stacked.

        Returns:
            For each image the logits (N, C + 1) of :meth:`known_logits`, and
            the (sum N,) classes of :meth:`decide_labels`, stacked.
        """
        images = zip(objects, logits.split([*map(len, objects)]), strict=True)
        object_logits = [self.known_logits(*image) for image in images]
        images = zip(objects, object_logits, strict=True)
        labels = [self.decide_labels(*image) for image in images]
        return object_logits, torch.cat(labels)

    def predict_by_feat(
        self,
        object_logits: Tensor,
        predicate_logits: Tensor,
        objects: InstanceData,
        pairs: Tensor,
        img_meta: dict,
        rescale: bool = False,
    ) -> tuple[InstanceData, InstanceData]:
        """Turn the logits of one image into a ranked scene graph.

        In float32, also under autocast, which leaves too few digits to rank.
        """
        labels = self.decide_labels(objects, object_logits)
        rows = torch.arange(len(labels), device=labels.device)
        scores = (
            objects.scores
            if 'scores' in objects
            else object_logits.float().softmax(dim=1)[rows, labels]
        )
        bboxes = objects.bboxes
        if 'class_bboxes' in objects:
            bboxes = objects.class_bboxes[rows, labels]
        if rescale:
            bboxes = bboxes / bboxes.new_tensor(img_meta['scale_factor'] * 2)
        instances = InstanceData(bboxes=bboxes, scores=scores, labels=labels)

        predicate_scores = predicate_logits.float().softmax(dim=1)[:, :-1]
        best, predicates = predicate_scores.max(dim=1)
        triplet_scores = scores[pairs].prod(dim=1) * best
        order = triplet_scores.argsort(descending=True, stable=True)
        relations = InstanceData(
            pairs=pairs[order],
            labels=predicates[order],
            scores=triplet_scores[order],
            predicate_scores=predicate_scores[order],
        )
        return instances, relations
