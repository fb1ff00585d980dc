"""Relation heads that score all pairs of a fixed number of objects."""

from itertools import combinations, permutations
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models import EGTRRelHead, LinkNetRelHead, PairFeatures
from mmsgg.models.relation_heads import RelationOutput
from mmsgg.models.relation_heads.linknet_rel_head import RelationalEmbedding
from mmsgg.structures.bbox import box_ious

from .fixed_size import EMPTY, best_first, fixed_late_nms


class FixedEmbedding(RelationalEmbedding):
    """Attention among the objects that are present."""

    present: list[Tensor] = []  # a list, which is no part of the module

    def _attend(
        self, x: Tensor, values: Tensor, num_objects: list[int]
    ) -> Tensor:
        logits = (self.scale * self.W(x)) @ self.U(x).T
        lowest = torch.finfo(logits.dtype).min
        logits = logits.masked_fill(~self.present[0], lowest)
        return logits.softmax(dim=1) @ values


class FixedPairFeatures(PairFeatures):
    """Features of all pairs of an image, whose unions are known before."""

    def share_unions(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        extractor = self.union_roi_extractor
        if self.union_head is None or extractor.drawing is not None:
            return super().share_unions(pairs)
        num = round((1 + (1 + 4 * len(pairs)) ** 0.5) / 2)
        shared = [*combinations(range(num), 2)]
        unions = {pair: i for i, pair in enumerate(shared)}
        rows = [unions[min(p), max(p)] for p in permutations(range(num), 2)]
        return pairs.new_tensor(shared), pairs.new_tensor(rows)

    def score(self, x: Any, bboxes: Any, pairs: Tensor, *args: Any) -> Tensor:
        """See the base class; all pairs at once."""
        self.max_pairs = max(self.max_pairs, len(pairs))
        return super().score(x, bboxes, pairs, *args)


class FixedGraph:
    """Ranks all pairs of an image; those that are none come last."""

    def all_pairs(self, bboxes: Tensor) -> Tensor:
        """See the base class."""
        pairs = [*permutations(range(len(bboxes)), 2)]
        return torch.tensor(pairs, device=bboxes.device)

    def predict(
        self, x: Any, objects: Any, *args: Any, **kwargs: Any
    ) -> list[tuple[InstanceData, InstanceData]]:
        """See the base class; scores of what is not there are ``EMPTY``."""
        limit = kwargs.pop('max_relations')
        parent: Any = super()
        [(instances, found)] = parent.predict(x, objects, *args, **kwargs)
        bboxes, pairs = objects[0].bboxes, found.pairs
        scores = found.scores
        if 'present' in objects[0]:
            present = objects[0].present
            scores = torch.where(present[pairs].all(dim=1), scores, EMPTY)
            instances.scores = torch.where(present, instances.scores, EMPTY)
        if self.overlap_only:  # type: ignore[attr-defined]
            related = box_ious(bboxes, bboxes)[pairs[:, 0], pairs[:, 1]] > 0
            scores = torch.where(related, scores, EMPTY)
        scores, order = best_first(scores)
        order = order[:limit]
        relations = InstanceData(
            pairs=pairs[order],
            labels=found.labels[order],
            scores=scores[:limit],
            predicate_scores=found.predicate_scores[order],
        )
        return [(instances, relations)]


class FixedEGTRRelHead(FixedGraph, EGTRRelHead):
    """EGTR, whose objects are all there."""


class FixedLinkNetRelHead(FixedGraph, LinkNetRelHead):
    """LinkNet with masks."""

    def forward(self, x: Any, objects: Any, *args: Any) -> RelationOutput:
        """See the base class."""
        FixedEmbedding.present[:] = [objects[0].present]
        try:
            return super().forward(x, objects, *args)
        finally:
            FixedEmbedding.present.clear()

    def decide_classes(
        self, objects: list[InstanceData], logits: Tensor, targets: Any = None
    ) -> tuple[list[Tensor], Tensor]:
        """See the base class."""
        [image] = objects
        labels = fixed_late_nms(
            logits.float().softmax(dim=1)[:, :-1],
            image.class_bboxes,
            image.present,
            self.late_nms_iou,
        )
        return [logits], labels
