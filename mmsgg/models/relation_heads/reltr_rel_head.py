"""RelTR (Cong et al., TPAMI 2023): triplets found by a transformer."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy, bbox_xyxy_to_cxcywh
from mmdet.utils import reduce_mean
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious, image_size

from .base_relation_head import BaseRelationHead, RelationOutput
from .triplet_decoder import TripletDecoder, attention_map_encoder
from .triplet_matching import BatchTargets, Boxes, Matches, TripletMatcher


class Triplets(NamedTuple):
    """What the triplet queries give, layer by layer, in float32."""

    subjects: Boxes
    objects: Boxes
    predicate_logits: Tensor  # L, B, T, predicates, the last one unrelated


@MODELS.register_module()
class RelTRRelHead(BaseRelationHead):
    """Find triplets, each with its own subject, object and predicate.

    Over :class:`EntityDETR` and :class:`QueryObjects` with
    ``loss_layers=0``: the losses of the detector's queries are in one sum
    with those of the triplets, so this head has them all.

    The graph of an image has 2T instances, all subjects before all objects,
    and T pairs (t, T + t). The score of a predicate is its share among the P
    predicates, without unrelated, as the authors evaluate. Boxes are not
    clipped to the image. Several triplets may show one relation, as
    published; ``unique`` merges them.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        decoder: Arguments of :class:`TripletDecoder`.
        map_channels: Of four layers on the map of where a triplet looks.
        num_unused: Logits just before the last one, of classes and of
            predicates alike, that are never a target; see
            :class:`EntityDETR`, which has the same number.
        unique: Whether triplets that are the same become one, the best. The
            same have one subject class, predicate and object class, and
            boxes that both overlap with a better one's.
        unique_iou: By this IoU (with the last pixel).
        bg_weight: Weight of no object among classes, of unrelated among
            predicates.
        role_weight: Weight of the class of a subject or object; that of an
            entity is 1.
        matcher: Arguments of :class:`TripletMatcher`.
        loss_bbox: Config of the loss of boxes [cx, cy, w, h], parts of the
            image.
        loss_iou: Config of the loss of overlaps.
        loss_object: Config of the loss of classes.
        loss_predicate: Config of the loss of predicates.
        init_cfg: Initialisation, mmengine's.
    """

    samples_pairs = False

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        decoder: dict | None = None,
        map_channels: Sequence[int] = (64, 32, 512, 128),
        num_unused: int = 0,
        unique: bool = False,
        unique_iou: float = 0.5,
        bg_weight: float = 0.1,
        role_weight: float = 0.5,
        matcher: dict | None = None,
        loss_bbox: dict | None = None,
        loss_iou: dict | None = None,
        loss_object: dict | None = None,
        loss_predicate: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        # what else the base class takes, nothing here would read
        losses: Any = dict(
            loss_object=loss_object, loss_predicate=loss_predicate
        )
        super().__init__(
            num_classes, num_predicates, init_cfg=init_cfg, **losses
        )
        self.unique = unique
        self.unique_iou = unique_iou
        self.bg_weight = bg_weight
        self.role_weight = role_weight
        self.matcher = TripletMatcher(**(matcher or {}))
        self.loss_bbox = MODELS.build(
            loss_bbox or dict(type='mmdet.L1Loss', loss_weight=5.0)
        )
        self.loss_iou = MODELS.build(
            loss_iou or dict(type='mmdet.GIoULoss', loss_weight=2.0)
        )
        self.decoder = TripletDecoder(**(decoder or {}))
        channels = self.decoder.embed_dims
        num_logits = num_classes + num_unused + 1
        self.subject_cls = nn.Linear(channels, num_logits)
        self.object_cls = nn.Linear(channels, num_logits)
        self.subject_reg = mlp(channels, channels, channels, 4)
        self.object_reg = mlp(channels, channels, channels, 4)
        self.map_encoder = attention_map_encoder(*map_channels)
        self.predicate_cls = mlp(
            2 * channels + map_channels[-1],
            channels,
            num_predicates + num_unused + 1,
        )

    def decode(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        all_layers: bool = True,
    ) -> Triplets:
        """Find the triplets of a batch.

        Args:
            x: Memory and positions (B, d, h, w), and padding (B, 1, h, w).
            objects: Of each image ``layer_states`` (Q, L, d).
            all_layers: Whether of all L decoder layers, or of the last one.
        """
        memory, positions, padding = (
            level.flatten(2).transpose(1, 2) for level in x
        )
        entities = torch.stack([image.layer_states for image in objects])
        states = self.decoder(
            memory, positions, padding[..., 0], entities.permute(2, 0, 1, 3)
        )
        subjects, others, attention = (
            states if all_layers else (field[-1:] for field in states)
        )
        maps = attention.unflatten(-1, x[0].shape[-2:])  # L, B, T, 2, h, w
        seen = self.map_encoder(maps.flatten(0, 2))
        seen = seen.unflatten(0, maps.shape[:3])
        logits = self.predicate_cls(torch.cat([subjects, others, seen], -1))
        sizes = torch.stack(
            [image_size(image.img_shape, memory) for image in objects]
        )[:, None]
        roles = (
            (self.subject_cls, self.subject_reg, subjects),
            (self.object_cls, self.object_reg, others),
        )
        boxes = [
            Boxes(
                classes(role).float(),
                bbox_cxcywh_to_xyxy(regression(role).float().sigmoid())
                * sizes,
            )
            for classes, regression, role in roles
        ]
        return Triplets(boxes[0], boxes[1], logits.float())

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """Find the triplets of a batch by the last layer.

        Args:
            x: As of :meth:`decode`.
            objects: As of :meth:`decode`.
            pairs: Not used.
            targets: Not used.

        Returns:
            Of each image the class logits of 2T subjects and objects, with
            the unused ones, and (T, P + 1) predicate logits, of which
            unrelated is impossible; as auxiliary ``bboxes`` (B, 2T, 4),
            input-image pixels.
        """
        triplets = self.decode(x, objects, all_layers=False)
        logits, bboxes = (
            torch.cat(fields, dim=2)[0]
            for fields in zip(triplets.subjects, triplets.objects, strict=True)
        )
        predicates = triplets.predicate_logits[0, ..., : self.num_predicates]
        predicates = nn.functional.pad(predicates, (0, 1), value=-torch.inf)
        labels = logits[..., : self.num_classes].argmax(dim=-1)
        return RelationOutput(
            [*logits], [*labels], [*predicates], dict(bboxes=bboxes)
        )

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
        """See the base class; here the head finds the pairs itself.

        Raises:
            ValueError: If pairs are given.
        """
        if pairs is not None:
            raise ValueError(
                'RelTRRelHead finds pairs and cannot judge given ones; leave '
                'out given_pairs'
            )
        output = self(x, objects, [])
        graphs = []
        for i, img_meta in enumerate(batch_img_metas):
            bboxes = output.auxiliary['bboxes'][i]
            rows = torch.arange(len(bboxes), device=bboxes.device)
            instances, relations = self.predict_by_feat(
                output.object_logits[i],
                output.labels[i],
                output.predicate_logits[i],
                InstanceData(bboxes=bboxes),
                rows.view(2, -1).T,
                img_meta,
                rescale,
            )
            if self.unique:
                relations = unique(instances, relations, self.unique_iou)
            relations = relations[:max_relations][:max_triplets]
            graphs.append((instances, relations))
        return graphs

    def loss(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Compute the losses of all queries of a batch, layer by layer.

        Args:
            x: As of :meth:`decode`.
            objects: As :class:`QueryObjects` makes them.
            batch_data_samples: See the base class.

        Returns:
            Losses of classes, boxes, overlaps and predicates of the last
            layer; those of layer l before it begin with ``d{l}.``.
        """
        entities = Boxes(
            *(
                torch.stack(fields).permute(2, 0, 1, 3)  # L, B, Q, .
                for fields in zip(
                    *((o.layer_logits, o.layer_bboxes) for o in objects),
                    strict=True,
                )
            )
        )
        triplets = self.decode(x, objects)
        return self.loss_by_triplets(entities, triplets, batch_data_samples)

    def loss_by_triplets(
        self,
        entities: Boxes,
        triplets: Triplets,
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Compare what the queries gave with the ground truth.

        Classes are averaged by the weights of their targets, boxes over the
        objects and relations of the batch. A subject, or object, without a
        target that finds an object all the same is not told that it is none.
        """
        subjects, objects, predicate_logits = triplets
        of_entities, of_triplets = self.matcher.match(
            entities, *triplets, batch_data_samples
        )
        may_be_none = [
            ~self.matcher.fits(boxes, batch_data_samples)
            for boxes in (subjects, objects)
        ]
        targets = batch_targets(batch_data_samples)
        num = predicate_logits.new_tensor(
            len(targets.labels) + len(targets.predicates)
        )
        num = reduce_mean(num).clamp(min=1)
        losses = {}
        for layer, logits in enumerate(predicate_logits):
            found = of_triplets[layer]
            matches = [of_entities[layer]] + [
                found._replace(rows=rows[found.rows])
                for rows in targets.pairs.T
            ]
            weights = [torch.ones_like(entities.logits[layer, ..., 0])]
            for counts in may_be_none:
                counts = counts[layer].index_put(
                    (found.images, found.queries), counts.new_tensor(True)
                )
                weights.append(self.role_weight * counts)
            roles = [
                Boxes(*(field[layer] for field in boxes))
                for boxes in (entities, subjects, objects)
            ]
            of_layer = self._class_loss(roles, matches, weights, targets)
            of_layer |= self._box_losses(roles, matches, targets, num)
            of_layer |= self._predicate_loss(logits, found, targets)
            last = layer == len(predicate_logits) - 1
            prefix = '' if last else f'd{layer}.'
            losses.update({prefix + k: v for k, v in of_layer.items()})
        return losses

    def _class_loss(
        self,
        roles: list[Boxes],
        matches: list[Matches],
        weights: list[Tensor],
        targets: BatchTargets,
    ) -> dict[str, Tensor]:
        """Compare the classes of entities, subjects and objects."""
        labels = torch.cat(
            [
                spread(boxes.logits, match, targets.labels)
                for boxes, match in zip(roles, matches, strict=True)
            ]
        )
        logits = torch.cat([boxes.logits.flatten(0, 1) for boxes in roles])
        of_class = self._target_weights(logits, labels)
        weight = of_class * torch.cat([each.flatten() for each in weights])
        loss = self.loss_object(
            logits, labels, weight, avg_factor=of_class.sum()
        )
        return dict(loss_object=loss)

    def _box_losses(
        self,
        roles: list[Boxes],
        matches: list[Matches],
        targets: BatchTargets,
        num: Tensor,
    ) -> dict[str, Tensor]:
        """Compare the boxes of what has a target."""
        bboxes = torch.cat(
            [
                boxes.bboxes[match.images, match.queries]
                for boxes, match in zip(roles, matches, strict=True)
            ]
        )
        rows = torch.cat([match.rows for match in matches])
        wanted, sizes = targets.bboxes[rows], targets.sizes[rows]
        l1 = self.loss_bbox(
            bbox_xyxy_to_cxcywh(bboxes / sizes),
            bbox_xyxy_to_cxcywh(wanted / sizes),
            avg_factor=num,
        )
        iou = self.loss_iou(bboxes, wanted, avg_factor=num)
        return dict(loss_bbox=l1, loss_iou=iou)

    def _predicate_loss(
        self, logits: Tensor, match: Matches, targets: BatchTargets
    ) -> dict[str, Tensor]:
        """Compare the predicates (B, T, predicates) of all triplets."""
        labels = spread(logits, match, targets.predicates)
        logits = logits.flatten(0, 1)
        weight = self._target_weights(logits, labels)
        loss = self.loss_predicate(
            logits, labels, weight, avg_factor=weight.sum()
        )
        return dict(loss_predicate=loss)

    def _target_weights(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Weights (n,) of targets, the last class being background."""
        weights = torch.ones_like(labels, dtype=logits.dtype)
        last = labels == logits.shape[-1] - 1
        return weights.masked_fill(last, self.bg_weight)


def mlp(*channels: int) -> nn.Sequential:
    """Linear layers, with a ReLU between two."""
    layers: list[nn.Module] = []
    for size, following in pairwise(channels):
        layers += [nn.ReLU(), nn.Linear(size, following)]
    return nn.Sequential(*layers[1:])


def spread(logits: Tensor, match: Matches, labels: Tensor) -> Tensor:
    """Targets (B * n,) of logits (B, n, classes), the last where no match."""
    targets = labels.new_full(logits.shape[:2], logits.shape[2] - 1)
    return targets.index_put(
        (match.images, match.queries), labels[match.rows]
    ).flatten()


def batch_targets(samples: list[SGDataSample]) -> BatchTargets:
    """Put the ground truth of the images of a batch together."""
    pairs, sizes, first = [], [], 0
    for sample in samples:
        gt = sample.gt_instances
        pairs.append(sample.gt_relations.pairs + first)
        size = image_size(sample.img_shape, gt.bboxes)
        sizes.append(size.expand(len(gt), 4))
        first += len(gt)
    return BatchTargets(
        torch.cat([sample.gt_instances.labels for sample in samples]),
        torch.cat([sample.gt_instances.bboxes for sample in samples]),
        torch.cat(sizes),
        torch.cat(pairs),
        torch.cat([sample.gt_relations.labels for sample in samples]),
    )


def unique(
    instances: InstanceData, relations: InstanceData, iou_thr: float
) -> InstanceData:
    """Keep the best of the same relations.

    Args:
        instances: ``bboxes`` (N, 4) and ``labels`` (N,).
        relations: ``pairs`` (K, 2) and ``labels`` (K,), the best first.
        iou_thr: As ``unique_iou`` of :class:`RelTRRelHead`.

    Returns:
        Those relations that are not the same as a better one that is kept.
    """
    subjects, objects = relations.pairs.T
    labels = instances.labels
    names = torch.stack([labels[subjects], relations.labels, labels[objects]])
    same = (names[:, :, None] == names[:, None]).all(dim=0)
    for rows in (subjects, objects):
        bboxes = instances.bboxes[rows]
        same &= box_ious(bboxes, bboxes) >= iou_thr
    better = same.triu(diagonal=1)  # rows are better than columns
    kept = better.new_ones(len(better))
    # what a dropped one alone would drop comes back, until nothing changes
    while True:
        left = ~(better & kept[:, None]).any(dim=0)
        if torch.equal(left, kept):
            return relations[kept]
        kept = left
