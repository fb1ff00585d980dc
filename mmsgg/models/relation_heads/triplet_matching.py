"""Which ground truth each query of RelTR learns.

Axes: B images, L layers, n queries, G objects and R relations of an image.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mmsgg.registry import TASK_UTILS
from mmsgg.structures import SGDataSample

#: Of a class and a box. The class by its sigmoid, although a softmax is
#: trained: so RelTR has it.
MATCH_COSTS = (
    dict(type='mmdet.FocalLossCost', eps=1e-8),
    dict(type='mmdet.BBoxL1Cost', weight=5.0, box_format='xywh'),
    dict(type='mmdet.IoUCost', iou_mode='giou', weight=2.0),
)
PREDICATE_COST = dict(type='mmdet.FocalLossCost', eps=1e-8, weight=0.5)


class Boxes(NamedTuple):
    """Classes and boxes that queries give, layer by layer."""

    logits: Tensor  # L, B, n, classes, the last of them no object
    bboxes: Tensor  # L, B, n, 4, input-image pixels


class Matches(NamedTuple):
    """Which queries learn which ground truth, of one layer."""

    images: Tensor  # M
    queries: Tensor  # M
    rows: Tensor  # M, counted through the whole batch


class BatchTargets(NamedTuple):
    """The ground truth of a batch, one image behind the other."""

    labels: Tensor  # G
    bboxes: Tensor  # G, 4, input-image pixels
    sizes: Tensor  # G, 4: width and height of the image, twice
    pairs: Tensor  # R, 2 rows of the G objects
    predicates: Tensor  # R


class TripletMatcher:
    """Matches each object, and each relation, with one query of each layer.

    Args:
        match_costs: Configs of mmdet's costs of a class and a box; the match
            of a triplet sums those of its subject and of its object.
        predicate_cost: Config of the cost of a predicate.
        good_iou: IoU from which a box fits an object; see :meth:`fits`.
    """

    def __init__(
        self,
        match_costs: Sequence[dict] = MATCH_COSTS,
        predicate_cost: dict = PREDICATE_COST,
        good_iou: float = 0.7,
    ) -> None:
        self.match_costs = [TASK_UTILS.build(cost) for cost in match_costs]
        self.predicate_cost = TASK_UTILS.build(predicate_cost)
        self.good_iou = good_iou

    def match(
        self,
        entities: Boxes,
        subjects: Boxes,
        objects: Boxes,
        predicate_logits: Tensor,
        samples: list[SGDataSample],
    ) -> tuple[list[Matches], list[Matches]]:
        """Match entity queries with objects, and triplets with relations.

        Args:
            entities: Of the entity queries.
            subjects: Of the triplet queries.
            objects: Of the triplet queries.
            predicate_logits: (L, B, T, predicates).
            samples: With ``gt_instances``, input-image pixels, and
                ``gt_relations``.

        Returns:
            For each layer the matches of entities, with rows of
            ``gt_instances``, and of triplets, with rows of ``gt_relations``.
        """
        of_entities, of_triplets = [], []
        num_triplets = predicate_logits.shape[2]
        for i, sample in enumerate(samples):
            of_entities.append(self._box_costs(entities, i, sample))
            relations = sample.gt_relations
            predicates = InstanceData(
                scores=predicate_logits[:, i].flatten(0, 1)
            )
            of_predicates = self.predicate_cost(predicates, relations)
            rows, others = relations.pairs.T
            of_triplets.append(
                self._box_costs(subjects, i, sample)[..., rows]
                + self._box_costs(objects, i, sample)[..., others]
                + of_predicates.unflatten(0, (-1, num_triplets))
            )
        return assign(of_entities), assign(of_triplets)

    def _box_costs(
        self, boxes: Boxes, image: int, sample: SGDataSample
    ) -> Tensor:
        """Costs (L, n, G) of the queries and objects of an image."""
        logits, bboxes = (field[:, image] for field in boxes)
        found = InstanceData(
            scores=logits.flatten(0, 1), bboxes=bboxes.flatten(0, 1)
        )
        meta = dict(img_shape=sample.img_shape[:2])
        costs = [
            cost(found, sample.gt_instances, meta) for cost in self.match_costs
        ]
        return torch.stack(costs).sum(dim=0).unflatten(0, logits.shape[:2])

    def fits(self, boxes: Boxes, samples: list[SGDataSample]) -> Tensor:
        """Say which queries (L, B, n) find an object, matched or not.

        That is, their likeliest class is the object's, and their box
        overlaps its by ``good_iou`` or more.
        """
        found = []
        for i, sample in enumerate(samples):
            gt = sample.gt_instances
            logits, bboxes = (field[:, i] for field in boxes)
            labels = logits[..., :-1].argmax(dim=-1, keepdim=True)
            overlaps = bbox_overlaps(bboxes.flatten(0, 1), gt.bboxes)
            overlaps = overlaps.unflatten(0, logits.shape[:2])
            hits = (overlaps >= self.good_iou) & (labels == gt.labels)
            found.append(hits.any(dim=-1))
        return torch.stack(found, dim=1)


def assign(costs: list[Tensor]) -> list[Matches]:
    """Choose the cheapest one-to-one matches of each layer and image.

    Args:
        costs: Of each image (L, n, rows).

    Returns:
        Of each layer, those of all images.
    """
    # one transfer for all; a cost that is no number is left to the loss,
    # which is none then either
    flat = torch.cat([cost.detach().flatten() for cost in costs])
    values = flat.nan_to_num().cpu().split([cost.numel() for cost in costs])
    layers: list[list[Tensor]] = [[] for _ in costs[0]]
    first = 0
    for image, (cost, own) in enumerate(zip(costs, values, strict=True)):
        for layer, matrix in zip(layers, own.view_as(cost), strict=True):
            queries, rows = map(
                torch.from_numpy, linear_sum_assignment(matrix.numpy())
            )
            images = torch.full_like(queries, image)
            layer.append(torch.stack([images, queries, rows + first]))
        first += cost.shape[-1]
    return [
        Matches(*torch.cat(layer, dim=1).to(flat.device)) for layer in layers
    ]
