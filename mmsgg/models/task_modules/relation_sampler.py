"""Sample related and unrelated pairs of objects for training."""

from typing import NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.registry import TASK_UTILS
from mmsgg.structures.bbox import box_ious


class RelationTargets(NamedTuple):
    """What one image's objects and sampled pairs should come out as."""

    pairs: Tensor  # (K, 2) int64 rows [subject, object] of the objects
    predicates: Tensor  # (K,) int64, num_predicates where unrelated
    labels: Tensor  # (N,) int64 classes, num_classes where background


def _draw(candidates: Tensor, num: int) -> Tensor:
    """Draw at most ``num`` rows at random, without repetition."""
    if len(candidates) <= num:
        return candidates
    order = torch.randperm(len(candidates), device=candidates.device)
    return candidates[order[:num]]


@TASK_UTILS.register_module()
class RelationSampler:
    """Sample pairs of ground-truth boxes (training of predcls and sgcls).

    Objects are the ground-truth boxes, row by row. A pair with several
    predicates is a candidate once for each.

    Args:
        num: Pairs drawn from one image at most.
        pos_fraction: Share of them that are related, at most.
        overlap_only: Whether unrelated pairs must overlap.
    """

    def __init__(
        self,
        num: int = 256,
        pos_fraction: float = 0.25,
        overlap_only: bool = False,
    ) -> None:
        self.num = num
        self.pos_fraction = pos_fraction
        self.overlap_only = overlap_only

    def sample(
        self,
        objects: InstanceData,
        gt_instances: InstanceData,
        gt_relations: InstanceData,
        num_classes: int,
        num_predicates: int,
    ) -> RelationTargets:
        """Sample the pairs of one image.

        Args:
            objects: ``bboxes`` (N, 4), input-image pixels.
            gt_instances: ``bboxes`` (G, 4) in the same frame, ``labels``.
            gt_relations: ``pairs`` (R, 2) rows of gt_instances, ``labels``
                and, where there are some to ignore, ``ignored`` (R,) bool:
                these are not drawn, and their pairs not as unrelated.
            num_classes: The class that stands for background.
            num_predicates: The predicate that stands for unrelated.

        Returns:
            Related pairs first; K, N, G and R may be 0.
        """
        match, labels = self.match(objects, gt_instances, num_classes)
        related = self._related(match, objects, gt_instances, gt_relations)
        if 'ignored' in gt_relations:
            related = related[~gt_relations.ignored[related[:, 0]]]
        unrelated = self._unrelated(
            match, labels < num_classes, objects, gt_relations.pairs
        )
        related = _draw(related, int(self.num * self.pos_fraction))
        unrelated = _draw(unrelated, self.num - len(related))
        predicates = torch.cat(
            [
                gt_relations.labels[related[:, 0]],
                related.new_full((len(unrelated),), num_predicates),
            ]
        )
        pairs = torch.cat([related[:, 1:], unrelated])
        return RelationTargets(pairs, predicates, labels)

    def match(
        self,
        objects: InstanceData,
        gt_instances: InstanceData,
        num_classes: int,
    ) -> tuple[Tensor, Tensor]:
        """Say which object matches which ground truth: here, each its own.

        Returns:
            (N, G) bool, and the (N,) target classes.
        """
        size = len(gt_instances)
        if len(objects) != size:
            raise ValueError(
                f'RelationSampler expects the ground-truth boxes as objects, '
                f'got {len(objects)} objects for {size} boxes; use '
                f'DetectionRelationSampler where objects are detections'
            )
        eye = torch.eye(size, dtype=torch.bool, device=objects.bboxes.device)
        return eye, gt_instances.labels

    def _related(
        self,
        match: Tensor,
        objects: InstanceData,
        gt_instances: InstanceData,
        gt_relations: InstanceData,
    ) -> Tensor:
        """List (n, 3) rows [relation, subject, object] that can be drawn."""
        subjects, targets = match.T[gt_relations.pairs].unbind(dim=1)
        shown = subjects[:, :, None] & targets[:, None, :]  # R, N, N
        rows = shown.nonzero()
        return rows[rows[:, 1] != rows[:, 2]]

    def _unrelated(
        self,
        match: Tensor,
        usable: Tensor,
        objects: InstanceData,
        gt_pairs: Tensor,
    ) -> Tensor:
        """List (n, 2) pairs of usable objects that show no relation."""
        candidates = usable[:, None] & usable
        if self.overlap_only:
            candidates &= box_ious(objects.bboxes, objects.bboxes) > 0
        candidates.fill_diagonal_(False)
        related = match.new_zeros(match.shape[1], match.shape[1])
        related[gt_pairs[:, 0], gt_pairs[:, 1]] = True
        # pairs that show a relation: match @ related @ match^T > 0
        shown = match.float() @ related.float() @ match.float().T > 0
        return (candidates & ~shown).nonzero()


@TASK_UTILS.register_module()
class DetectionRelationSampler(RelationSampler):
    """Sample pairs of detections (training of sgdet).

    The rule of neural-motifs, linknet-pytorch and Scene-Graph-Benchmark. A
    detection gets its class from the ground truth that it overlaps most,
    background below ``iou_thr``, whatever class the detector gave it. It
    matches the ground truth of that class that it overlaps with at least
    ``iou_thr``; several detections may match one. Unrelated pairs are drawn
    from detections that are not background. A pair that matches a relation is
    never among them, also where it was not drawn for that relation.

    Args:
        num: Pairs drawn from one image at most.
        pos_fraction: Share of them that are related, at most.
        overlap_only: Whether unrelated pairs must overlap.
        iou_thr: IoU from which a detection matches an object.
        num_per_relation: Pairs drawn for one relation at most, the likelier
            the better both boxes fit: 1 in linknet-pytorch and neural-motifs,
            4 in Scene-Graph-Benchmark.
    """

    def __init__(
        self,
        num: int = 64,
        pos_fraction: float = 0.25,
        overlap_only: bool = True,
        iou_thr: float = 0.5,
        num_per_relation: int = 1,
    ) -> None:
        super().__init__(num, pos_fraction, overlap_only)
        self.iou_thr = iou_thr
        self.num_per_relation = num_per_relation

    def match(
        self,
        objects: InstanceData,
        gt_instances: InstanceData,
        num_classes: int,
    ) -> tuple[Tensor, Tensor]:
        """Match by assigned class and IoU; see the class."""
        gt_labels = gt_instances.labels
        background = gt_labels.new_full((len(objects),), num_classes)
        ious = box_ious(objects.bboxes, gt_instances.bboxes)
        if not ious.numel():
            return ious > 0, background
        best, rows = ious.max(dim=1)
        labels = torch.where(best >= self.iou_thr, gt_labels[rows], background)
        return (labels[:, None] == gt_labels) & (ious >= self.iou_thr), labels

    def _related(
        self,
        match: Tensor,
        objects: InstanceData,
        gt_instances: InstanceData,
        gt_relations: InstanceData,
    ) -> Tensor:
        """Draw up to ``num_per_relation`` pairs of each relation."""
        rows = super()._related(match, objects, gt_instances, gt_relations)
        relation, subjects, targets = rows.T
        ious = box_ious(objects.bboxes, gt_instances.bboxes)
        gt_subjects, gt_objects = gt_relations.pairs[relation].T
        fit = ious[subjects, gt_subjects] * ious[targets, gt_objects]
        # the largest of log(fit) + Gumbel noise are a draw by fit
        noise = -torch.empty_like(fit).exponential_().log()
        order = (fit.log() + noise).argsort(descending=True)
        order = order[relation[order].argsort(stable=True)]
        relation = relation[order]
        position = torch.arange(len(relation), device=relation.device)
        first = torch.searchsorted(relation, relation)
        return rows[order[position - first < self.num_per_relation]]
