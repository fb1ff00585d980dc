"""What all relation heads share: pairs, targets, losses, ranking."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext
from inspect import signature
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.layers import FrequencyBias
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS, TASK_UTILS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious

from .counted_predicates import CountedPredicates
from .object_classes import LateNMSRule, given_logits, late_nms, score_classes

MAX_RANKED = 65536  # rows of predicates that become probabilities at once


class RelationOutput(NamedTuple):
    """What a relation head says of a batch, image by image.

    Background, or unrelated, is the last logit. ``labels`` are the classes
    that were decided on; losses and predictions read them. None is
    background, unless ``late_nms_rule`` leaves it so.
    """

    object_logits: list[Tensor]  # each (N, C + 1)
    labels: list[Tensor]  # each (N,) int64
    predicate_logits: list[Tensor]  # each (K, P + 1)
    #: what auxiliary losses need, under names of the method's choice
    auxiliary: Mapping[str, Tensor] = MappingProxyType({})


class BaseRelationHead(CountedPredicates):
    """Base class of the heads that turn objects into a scene graph.

    A method implements :meth:`forward`, and what it needs in ``__init__``::

        training:   loss ----> sampler.sample, forward, loss_by_feat
        inference:  predict -> all_pairs, forward, debiasing, predict_by_feat
        forward     calls decide_classes, once, and collect

    *Objects* are what a detector found or was given, for each image an
    InstanceData, to which nothing is added later, with

    - ``bboxes`` (N, 4), input-image pixels;
    - ``logits`` (N, C + 1), the detector's class logits, background last;
    - ``labels`` (N,) only where classes are known (predcls), and with them
      ``scores`` (N,) where these are not certain;
    - ``class_bboxes`` (N, C, 4) only where the boxes are detections (sgdet);
    - ``features`` (N, d) only of transformers, a query's states, and more
      where every query is an object (:class:`QueryObjects`);
    - as metainfo ``img_shape``, height and width of the image in the pixel
      frame of the boxes, without padding.

    A head that gets along with boxes and classes has ``uses_image = False``;
    its x is ``()``. A head whose predicates do not compete in a softmax has
    :meth:`predicate_probabilities` of its own.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        frequency_bias: Whether to add :class:`FrequencyBias` to the predicate
            logits.
        sampler: Config of the sampler of training pairs.
        loss_object: Config of the loss of the refined classes.
        loss_predicate: Config of the loss of the predicates.
        overlap_only: Whether only overlapping pairs are related, in
            inference (sgdet of neural-motifs and linknet-pytorch).
        late_nms_iou: IoU of :func:`late_nms` on detections.
        debiasing: Config of :class:`TotalDirectEffect` or
            :class:`LogitAdjustment`, or None.
        init_cfg: Initialisation, mmengine's.
    """

    #: What :func:`late_nms` does where classes run out; unless it is 'class',
    #: ``labels`` and the rows of the frequency bias include background.
    late_nms_rule: LateNMSRule = 'class'

    #: Whether training draws pairs by ``sampler``, which can ignore some.
    samples_pairs = True

    #: Whether pairs are scored each by itself, up to ``max_triplets``.
    independent_pairs = False

    #: Weights that only an earlier form of the head has, and its type now.
    earlier_forms: Mapping[str, str] = MappingProxyType({})

    #: Prefixes of weights in older checkpoints, and what they are called now.
    renamed_weights: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        frequency_bias: bool = False,
        sampler: dict | None = None,
        loss_object: dict | None = None,
        loss_predicate: dict | None = None,
        overlap_only: bool = False,
        late_nms_iou: float = 0.3,
        debiasing: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(num_predicates, init_cfg)
        self.num_classes = num_classes
        self.overlap_only = overlap_only
        self.late_nms_iou = late_nms_iou
        self.frequency_bias: Any = (
            FrequencyBias(
                num_classes,
                num_predicates,
                background=self.late_nms_rule != 'class',
            )
            if frequency_bias
            else None
        )
        self.sampler = TASK_UTILS.build(
            sampler or dict(type='RelationSampler')
        )
        cross_entropy = dict(type='mmdet.CrossEntropyLoss')
        self.loss_object = MODELS.build(loss_object or cross_entropy)
        self.loss_predicate = MODELS.build(loss_predicate or cross_entropy)
        self.debiasing = MODELS.build(debiasing) if debiasing else None

    @property
    def uses_image(self) -> bool:
        """Whether the head looks at the feature maps, by its features."""
        return getattr(getattr(self, 'features', None), 'uses_image', True)

    def rename_weights(self, weights: dict, prefix: str = '') -> None:
        """Bring weights of older checkpoints, in place, to their new names.

        Raises:
            ValueError: If they are of an earlier form of this head.
        """
        for name, form in self.earlier_forms.items():
            if prefix + name in weights:
                raise ValueError(
                    f'These weights are of the {type(self).__name__} of mmsgg '
                    f'0.1, which is called {form} now; set '
                    f"relation_head.type='{form}' in the config that they "
                    f'were trained with, or take the config of that form'
                )
        for old, new in self.renamed_weights.items():
            for key in [k for k in weights if k.startswith(prefix + old)]:
                name = key.removeprefix(prefix + old)
                weights[prefix + new + name] = weights.pop(key)

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any
    ) -> None:
        """Take the weights of older checkpoints too."""
        self.rename_weights(state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)

    @abstractmethod
    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """Refine the objects and score the pairs of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W), the finest first.
            objects: Objects of each image; see the class.
            pairs: For each image (K, 2) rows [subject, object] of them.
            targets: In training, what is to be learned of each image. Its
                classes stand for the objects wherever the feature of a pair
                depends on them (teacher forcing).
        """

    def loss(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Sample pairs and compute the losses of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W), the finest first.
            objects: Objects of each image; see the class.
            batch_data_samples: Their ``gt_instances`` (input-image pixels)
                and ``gt_relations``.

        Returns:
            Scalars: what holds 'loss' in its name is minimised.
        """
        targets = [
            self.sampler.sample(
                found,
                sample.gt_instances,
                sample.gt_relations,
                self.num_classes,
                self.num_predicates,
            )
            for found, sample in zip(objects, batch_data_samples, strict=True)
        ]
        pairs = [target.pairs for target in targets]
        with self.debiasing.watch(self) if self.debiasing else nullcontext():
            output = self(x, objects, pairs, targets)
        return self.loss_by_feat(output, targets, batch_data_samples)

    def loss_by_feat(
        self,
        output: RelationOutput,
        targets: list[RelationTargets],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Compare what :meth:`forward` gave with the targets.

        Means are taken over all objects, and over all pairs, of the batch.
        """
        comparisons = dict(
            object=(
                self.loss_object,
                torch.cat(output.object_logits),
                torch.cat([target.labels for target in targets]),
            ),
            predicate=(
                self.loss_predicate,
                torch.cat(output.predicate_logits),
                torch.cat([target.predicates for target in targets]),
            ),
        )
        losses = {}
        for name, (loss, logits, labels) in comparisons.items():
            num = max(len(labels), 1)
            losses[f'loss_{name}'] = loss(logits, labels, avg_factor=num)
            hits = (logits.argmax(dim=1) == labels).sum()
            losses[f'acc_{name}'] = 100 * hits / num
        return losses | self.auxiliary_losses(output, batch_data_samples)

    def auxiliary_losses(
        self, output: RelationOutput, batch_data_samples: list[SGDataSample]
    ) -> dict[str, Tensor]:
        """Add what a method learns beside classes and predicates: nothing."""
        return {}

    def predict(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_img_metas: list[dict],
        rescale: bool = False,
        pairs: list[Tensor] | None = None,
        max_relations: int | None = None,
        max_triplets: int | None = None,
    ) -> list[tuple[InstanceData, InstanceData]]:
        """Predict the scene graphs of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W), the finest first.
            objects: Objects of each image; see the class.
            batch_img_metas: Their ``scale_factor`` (w, h) is used.
            rescale: Whether to return boxes in original-image pixels.
            pairs: For each image (K, 2) rows [subject, object], where it is
                known which objects are related; else those of
                :meth:`all_pairs`.
            max_relations: How many pairs of an image are returned, the best
                ones; all by default, as metrics may ask for any of them.
            max_triplets: The same, but pairs that cannot be among them need
                not be scored (:class:`TripletSearch`).

        Returns:
            For each image its instances and its relations, as
            ``pred_instances`` and ``pred_relations`` of
            :class:`SGDataSample`.
        """
        if pairs is None:
            pairs = [self.all_pairs(image.bboxes) for image in objects]
        given = [k for k in (max_relations, max_triplets) if k is not None]
        # debiasing may lift what seemed to be behind, and a forward of one's
        # own need not know of limits
        knows = 'max_triplets' in signature(self.forward).parameters
        prunes = self.independent_pairs and knows and not self.debiasing
        limits = dict(max_triplets=max_triplets) if prunes else {}
        output = self(x, objects, pairs, **limits)
        predicate_logits = output.predicate_logits
        if self.debiasing:
            predicate_logits = self.debiasing(self, x, objects, pairs, output)
        return [
            self.predict_by_feat(
                output.object_logits[i],
                output.labels[i],
                predicate_logits[i],
                objects[i],
                pairs[i],
                img_meta,
                rescale,
                max_relations=min(given, default=None),
            )
            for i, img_meta in enumerate(batch_img_metas)
        ]

    def all_pairs(self, bboxes: Tensor) -> Tensor:
        """List the (K, 2) ordered pairs of one image's (N, 4) boxes."""
        related = bboxes.new_ones(len(bboxes), len(bboxes), dtype=torch.bool)
        if self.overlap_only:
            related = box_ious(bboxes, bboxes) > 0
        return related.fill_diagonal_(False).nonzero()

    def decide_classes(
        self,
        objects: list[InstanceData],
        logits: Tensor,
        targets: list[RelationTargets] | None = None,
    ) -> tuple[list[Tensor], Tensor]:
        """Choose the classes of a batch's objects, none background.

        They are, in this order: given (predcls), the target of training
        where that is no background, chosen by :func:`late_nms` (sgdet), the
        most probable ones (sgcls).

        Args:
            objects: Objects of each image; see the class.
            logits: (sum N, C + 1) refined class logits, stacked.
            targets: Those of :meth:`forward`.

        Returns:
            For each image the logits (N, C + 1), certain where classes are
            given (but in training, where all there is to learn is learned:
            what is trained for predcls can classify too), and the (sum N,)
            classes, stacked.
        """
        object_logits, labels = [], []
        images = logits.split([*map(len, objects)])
        for i, (image, image_logits) in enumerate(
            zip(objects, images, strict=True)
        ):
            if 'labels' in image:
                image_labels = image.labels
                if not self.training:
                    image_logits = given_logits(image_labels, image_logits)
            elif targets is not None:
                likeliest = image_logits[:, :-1].argmax(dim=1)
                wanted = targets[i].labels
                image_labels = torch.where(
                    wanted < self.num_classes, wanted, likeliest
                )
            elif 'class_bboxes' in image:
                scores = image_logits.float().softmax(dim=1)[:, :-1]
                image_labels = late_nms(
                    scores,
                    image.class_bboxes,
                    self.late_nms_iou,
                    self.late_nms_rule,
                )
            else:
                image_labels = image_logits[:, :-1].argmax(dim=1)
            object_logits.append(image_logits)
            labels.append(image_labels)
        return object_logits, torch.cat(labels)

    def add_frequency_bias(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Add the bias of (k, 2) classes to (k, P + 1) logits, if any."""
        if self.frequency_bias is None:
            return logits
        return logits + self.frequency_bias(labels)

    def collect(
        self,
        object_logits: list[Tensor],
        labels: Tensor,
        predicate_logits: Tensor,
        pairs: list[Tensor],
        **auxiliary: Tensor,
    ) -> RelationOutput:
        """Split what is stacked over the batch into its images.

        Args:
            object_logits: Each (N, C + 1).
            labels: (sum N,).
            predicate_logits: (sum K, P + 1).
            pairs: Each (K, 2).
            auxiliary: As of :class:`RelationOutput`.
        """
        return RelationOutput(
            object_logits,
            list(labels.split([*map(len, object_logits)])),
            list(predicate_logits.split([*map(len, pairs)])),
            auxiliary,
        )

    def predict_by_feat(
        self,
        object_logits: Tensor,
        labels: Tensor,
        predicate_logits: Tensor,
        objects: InstanceData,
        pairs: Tensor,
        img_meta: dict,
        rescale: bool = False,
        max_relations: int | None = None,
    ) -> tuple[InstanceData, InstanceData]:
        """Turn the logits of one image into a ranked scene graph.

        In float32, also under autocast, which leaves too few digits to rank.
        """
        labels, scores = score_classes(
            objects, object_logits, labels, self.num_classes
        )
        bboxes = objects.bboxes
        if 'class_bboxes' in objects:
            rows = torch.arange(len(labels), device=labels.device)
            bboxes = objects.class_bboxes[rows, labels]
        if rescale:
            bboxes = bboxes / bboxes.new_tensor(img_meta['scale_factor'] * 2)
        instances = InstanceData(bboxes=bboxes, scores=scores, labels=labels)

        chunks = [
            self.predicate_probabilities(rows).max(dim=1)
            for rows in predicate_logits.split(MAX_RANKED)
        ]
        best, predicates = map(torch.cat, zip(*chunks, strict=True))
        triplet_scores = scores[pairs].prod(dim=1) * best
        order = triplet_scores.argsort(descending=True, stable=True)
        order = order[:max_relations]
        relations = InstanceData(
            pairs=pairs[order],
            labels=predicates[order],
            scores=triplet_scores[order],
            predicate_scores=torch.cat(
                [
                    self.predicate_probabilities(predicate_logits[rows])
                    for rows in order.split(MAX_RANKED)
                ]
            ),
        )
        return instances, relations

    def predicate_probabilities(self, logits: Tensor) -> Tensor:
        """Turn logits (k, P + 1) into what predicates are ranked by (k, P).

        Here their probabilities, with background as one of the outcomes. A
        head with another rule, such as a sigmoid for each predicate, has its
        own.
        """
        return logits.float().softmax(dim=1)[:, :-1]
