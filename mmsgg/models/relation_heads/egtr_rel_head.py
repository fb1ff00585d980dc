"""EGTR: relations out of the self-attention between object queries."""

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmdet.models.layers import MLP
from mmengine.model import ModuleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS, TASK_UTILS
from mmsgg.structures import SGDataSample

from .base_relation_head import BaseRelationHead, RelationOutput

MAX_PAIRS = 65536  # pairs whose hidden layers are made at once
FrequencyRule = Literal['frequency', 'count']


class TripletFrequency(nn.Module):
    """How often a predicate held between two classes in training, fixed.

    Zero, which is no term at all, until :meth:`set_counts` fills it.

    Args:
        num_classes: Object classes C.
        num_predicates: Predicates P.
        rule: 'frequency' for log P(predicate | subject class, object class);
            'count' for the log of the count, as the published weights have it
            by a misplaced bracket.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        rule: FrequencyRule = 'frequency',
    ) -> None:
        super().__init__()
        self.rule = rule
        # parameters, as in the published files, that nobody trains
        self.triplet_dist = nn.Parameter(
            torch.zeros(num_classes, num_classes, num_predicates),
            requires_grad=False,
        )
        self.rel_dist = nn.Parameter(
            torch.zeros(num_predicates), requires_grad=False
        )

    @torch.no_grad()
    def set_counts(self, counts: np.ndarray, eps: float = 1e-12) -> None:
        """Fill the tables from counts.

        A predicate that two classes never had gets about log(eps); where two
        classes had none at all, all predicates get 0.

        Args:
            counts: (C, C, P + 1) how many pairs of [subject class, object
                class] have each predicate; the last slot is not used.
            eps: Keeps the logarithm finite.

        Raises:
            ValueError: If the counts are of another vocabulary.
        """
        classes, _, predicates = self.triplet_dist.shape
        if counts.shape != (classes, classes, predicates + 1):
            raise ValueError(
                f'TripletFrequency: counts of shape {counts.shape} do not fit '
                f'this model, which needs {(classes, classes, predicates + 1)}'
                '; set num_classes and num_predicates of the relation head to '
                "the data set's"
            )
        seen = counts[..., :-1].astype(np.float64)
        totals = seen.sum(axis=-1, keepdims=True) + eps
        if self.rule == 'frequency':
            logs = np.log((seen + eps) / totals)
        else:
            logs = np.log(seen + eps / totals)
        self.triplet_dist.copy_(torch.as_tensor(logs))
        shares = seen.sum(axis=(0, 1)) / max(seen.sum(), 1)
        self.rel_dist.copy_(torch.as_tensor(shares))

    def forward(self, subjects: Tensor, objects: Tensor) -> Tensor:
        """Look up the (n, m, P) terms of (n,) and (m,) classes."""
        return self.triplet_dist[subjects][:, objects]


@MODELS.register_module()
class EGTRRelHead(BaseRelationHead):
    """EGTR, for the queries of a detection transformer.

    Im et al., *EGTR: Extracting Graph from Transformer for Scene Graph
    Generation*, CVPR 2024, arXiv 2404.02072. With q_l and k_l the projections
    of self-attention in decoder layer l = 1 ... L, and y the last states::

        s_l, o_l = fc(q_l), fc(k_l); one more of y          subject, object
        g_l(i, j) = sigmoid(fc([s_l(i), o_l(j)]))           gate
        G(i, j) = sum_l g_l(i, j) [s_l(i), o_l(j)]
        predicates, connectivity = MLP(G), MLP(G)           logits

    The gate and the first layer of the MLPs are linear in [s_l(i), o_l(j)],
    so that they are applied to s_l and o_l before the sum, and no tensor of
    all pairs and layers is made.

    A pair has each predicate with the probability sigmoid(predicate) *
    sigmoid(connectivity): predicates do not compete. The last logit of a
    pair, that it is unrelated, is minus its connectivity.

    There is no sampler: all queries are matched with the ground truth, as the
    detector matches them, and give all pairs. It needs
    :class:`~mmsgg.models.QueryObjects`.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        embed_dims: Channels d of the transformer.
        num_layers: Decoder layers L.
        frequency_bias: Rule of :class:`TripletFrequency`, whose table is
            added to the logits of predicates, or None.
        assigner: Config of the assigner of queries to ground truth.
        loss_predicate: Config of the loss of the predicates of sampled pairs.
        loss_connectivity: Config of the loss of the connectivity.
        negatives: How many predicates of pairs count as negatives, for each
            relation of an image, the likeliest ones: first among queries that
            match an object, then among pairs with one that does not.
        random_negatives: Whether those of the second group are drawn at
            random (Open Images).
        smoothing: Least share by which the targets of a matched query are
            smoothed; the worse the match, the more.
        logit_adjustment: Weight of the log frequency of a predicate that is
            taken off its logit in a test.
        init_cfg: Initialisation, mmengine's.

    Raises:
        ValueError: If logits are to be adjusted without frequencies.
    """

    samples_pairs = False

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        embed_dims: int = 256,
        num_layers: int = 6,
        frequency_bias: FrequencyRule | None = 'frequency',
        assigner: dict | None = None,
        loss_predicate: dict | None = None,
        loss_connectivity: dict | None = None,
        negatives: tuple[int, int] = (80, 80),
        random_negatives: bool = False,
        smoothing: float = 1e-14,
        logit_adjustment: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        sigmoid = dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True)
        super().__init__(
            num_classes,
            num_predicates,
            loss_predicate=loss_predicate or dict(sigmoid, loss_weight=15.0),
            init_cfg=init_cfg
            or dict(type='Normal', layer='Linear', std=0.02, bias=0.0),
        )
        if frequency_bias:
            self.frequency_bias = TripletFrequency(
                num_classes, num_predicates, frequency_bias
            )
        elif logit_adjustment:
            raise ValueError(
                'EGTRRelHead: logit_adjustment needs to know how often each '
                'predicate is; set frequency_bias too'
            )
        self.loss_connectivity = MODELS.build(
            loss_connectivity or dict(sigmoid, loss_weight=30.0)
        )
        self.assigner = TASK_UTILS.build(assigner or default_assigner())
        self.perfect_cost = perfect_cost(self.assigner.match_costs)
        self.negatives = negatives
        self.random_negatives = random_negatives
        self.smoothing = smoothing
        self.logit_adjustment = logit_adjustment

        d = embed_dims
        sources = range(num_layers + 1)
        self.subject_fcs = ModuleList([nn.Linear(d, d) for _ in sources])
        self.object_fcs = ModuleList([nn.Linear(d, d) for _ in sources])
        self.gate_fc = nn.Linear(2 * d, 1)
        self.predicate_mlp = MLP(2 * d, d, num_predicates, 3)
        self.connectivity_mlp = MLP(2 * d, d, 1, 3)

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """Score pairs of queries, with their likeliest classes.

        See the base class. The classes of targets are not used: the published
        head is trained with the detector's too.

        Raises:
            ValueError: If the objects are no queries.
        """
        stacked = torch.cat([image.logits for image in objects])
        object_logits, labels = self.decide_classes(objects, stacked)
        by_image = labels.split([*map(len, objects)])
        logits = [
            self.score_pairs(image, image_labels)[tuple(image_pairs.T)]
            for image, image_labels, image_pairs in zip(
                objects, by_image, pairs, strict=True
            )
        ]
        return self.collect(object_logits, labels, torch.cat(logits), pairs)

    def score_pairs(self, objects: InstanceData, labels: Tensor) -> Tensor:
        """Score all pairs of an image.

        Args:
            objects: N queries; see :class:`~mmsgg.models.QueryObjects`.
            labels: (N,) their classes.

        Returns:
            (N, N, P + 1) logits, axes [subject, object, predicate].
        """
        subjects, others = self.roles(objects)  # s, o: L + 1, N, d
        gate = self.gate_fc.weight[0].chunk(2)
        of_subjects = (subjects @ gate[0]).T  # N, L + 1
        of_others = (others @ gate[1]).T + self.gate_fc.bias
        first = [mlp.layers[0] for mlp in self._mlps]
        weight = torch.cat([layer.weight for layer in first]).chunk(2, dim=1)
        bias = torch.cat([layer.bias for layer in first])
        subjects, others = subjects @ weight[0].T, others @ weight[1].T
        rows = max(MAX_PAIRS // max(len(objects), 1), 1)  # subjects at once
        scores = []
        for i in range(0, max(len(objects), 1), rows):
            chosen = slice(i, i + rows)
            gates = (of_subjects[chosen, None] + of_others).sigmoid()
            hidden = torch.einsum(
                'ijl,lid->ijd', gates, subjects[:, chosen]
            ) + torch.einsum('ijl,ljd->ijd', gates, others)
            hidden = F.relu(hidden + bias, inplace=True)
            predicates, connectivity = (
                self._last_layers(mlp, half)
                for mlp, half in zip(
                    self._mlps, hidden.chunk(2, dim=-1), strict=True
                )
            )
            if self.frequency_bias is not None:
                frequencies = self.frequency_bias(labels[chosen], labels)
                predicates = predicates + frequencies
            scores.append(torch.cat([predicates, -connectivity], dim=-1))
        return torch.cat(scores)

    def roles(self, objects: InstanceData) -> tuple[Tensor, Tensor]:
        """Make s and o, each (L + 1, N, d), of an image's queries."""
        if 'attention_queries' not in objects:
            raise ValueError(
                'EGTRRelHead reads the self-attention of a decoder, which '
                'these objects do not have; set object_source=dict(type='
                "'QueryObjects') over DETR, DeformableDETR or DINO of mmdet"
            )
        last = objects.features[:, None]
        both = (
            (self.subject_fcs, objects.attention_queries),
            (self.object_fcs, objects.attention_keys),
        )
        subjects, others = (
            torch.stack(
                [
                    fc(states)
                    for fc, states in zip(
                        fcs,
                        torch.cat([layers, last], 1).unbind(1),
                        strict=True,
                    )
                ]
            )
            for fcs, layers in both
        )
        return subjects, others

    @property
    def _mlps(self) -> tuple[MLP, MLP]:
        return self.predicate_mlp, self.connectivity_mlp

    @staticmethod
    def _last_layers(mlp: MLP, hidden: Tensor) -> Tensor:
        """Go on after the first layer, and its ReLU, of three."""
        return mlp.layers[2](F.relu(mlp.layers[1](hidden), inplace=True))

    def predicate_probabilities(self, logits: Tensor) -> Tensor:
        """See the class."""
        logits = logits.float()
        predicates, unrelated = logits[:, :-1], logits[:, -1:]
        if self.logit_adjustment:
            shares = self.frequency_bias.rel_dist
            # what never occurs is not adjusted
            logs = shares.where(shares > 0, torch.ones_like(shares)).log()
            predicates = predicates - self.logit_adjustment * logs
        return predicates.sigmoid() * (-unrelated).sigmoid()

    def loss(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Match queries with objects and compute the losses of all pairs.

        See the base class. In inference mode without sampling: all pairs
        count, as in the validation loss of the authors.
        """
        everything = []
        for image in objects:
            rows = torch.arange(len(image), device=image.bboxes.device)
            everything.append(torch.cartesian_prod(rows, rows))
        output = self(x, objects, everything)
        logits, targets, connectivity, related = [], [], [], []
        for image, sample, scores in zip(
            objects, batch_data_samples, output.predicate_logits, strict=True
        ):
            scores = scores.float().unflatten(0, (len(image), len(image)))
            predicates = scores[..., :-1]
            goals = self.match(image, sample)
            cells: Any = slice(None)
            if self.training:
                cells = self.sample(predicates.detach(), goals)
            certain = goals.certainty[:, None] * goals.certainty
            logits.append(predicates.flatten()[cells])
            targets.append((goals.held * certain[..., None]).flatten()[cells])
            connectivity.append(-scores[..., -1].flatten())
            related.append(goals.held.any(dim=-1).flatten().float())
        sampled, connected = torch.cat(logits), torch.cat(connectivity)
        return dict(
            # of nothing it is 0, and every weight has a gradient
            loss_predicate=self.loss_predicate(
                sampled, torch.cat(targets), avg_factor=max(len(sampled), 1)
            ),
            loss_connectivity=self.loss_connectivity(
                connected, torch.cat(related), avg_factor=len(connected)
            ),
        )

    @torch.no_grad()
    def match(
        self, objects: InstanceData, sample: SGDataSample
    ) -> 'QueryTargets':
        """Match the queries of an image, and take the relations along."""
        found = InstanceData(scores=objects.logits, bboxes=objects.bboxes)
        gt, relations = sample.gt_instances, sample.gt_relations
        meta = dict(img_shape=tuple(objects.img_shape[:2]))
        rows = self.assigner.assign(found, gt, meta).gt_inds - 1
        matched = rows >= 0
        num = len(objects)
        held = matched.new_zeros(num, num, self.num_predicates)
        certainty = torch.zeros_like(objects.bboxes[:, 0])
        if not len(gt):
            return QueryTargets(held, matched, certainty)
        queries = rows.new_full((len(gt),), -1)
        queries[rows[matched]] = matched.nonzero()[:, 0]
        triplets = torch.cat(
            [queries[relations.pairs], relations.labels[:, None]], dim=1
        )
        # more objects than queries: some have none
        triplets = triplets[(triplets >= 0).all(dim=1)]
        held[tuple(triplets.T)] = True
        costs = sum(
            cost(found, gt, meta) for cost in self.assigner.match_costs
        )
        costs = costs.gather(1, rows.clamp(min=0)[:, None])[:, 0]
        least = self.smoothing  # of a perfect match
        offset = math.log(least / (1 - least)) if least else -math.inf
        uncertainty = (costs - self.perfect_cost + offset).sigmoid()
        certainty[matched] = 1 - uncertainty[matched]
        return QueryTargets(held, matched, certainty)

    def sample(self, logits: Tensor, targets: 'QueryTargets') -> Tensor:
        """Choose the predicates of pairs that one image is trained on.

        Args:
            logits: (N, N, P).
            targets: Of the image.

        Returns:
            Rows of the flattened logits: all that hold, and the negatives.
        """
        held, matched, _ = targets
        known = (matched[:, None] & matched)[..., None]
        counts = torch.stack([held.sum(), matched.sum()]).tolist()
        num_related, num_known = counts[0], counts[1] ** 2
        groups = (
            (known & ~held, num_known * held.shape[2] - num_related),
            (
                ~known.expand_as(held),
                held.numel() - num_known * held.shape[2],
            ),
        )
        cells = [held.flatten().nonzero()[:, 0]]
        for (group, size), limit in zip(groups, self.negatives, strict=True):
            ranked = logits
            if self.random_negatives and len(cells) == 2:
                ranked = torch.rand_like(logits)
            ranked = ranked.masked_fill(~group, -math.inf).flatten()
            num = min(limit * num_related, size)
            cells.append(ranked.topk(num, sorted=False).indices)
        return torch.cat(cells)


class QueryTargets(NamedTuple):
    """What the N queries of an image should say."""

    held: Tensor  # (N, N, P) bool, which predicates hold
    matched: Tensor  # (N,) bool, which queries have an object
    certainty: Tensor  # (N,) from 1, a perfect match, to 0, none


def default_assigner() -> dict:
    """The assigner of Deformable DETR, with the epsilon of the authors."""
    return dict(
        type='mmdet.HungarianAssigner',
        match_costs=[
            dict(type='mmdet.FocalLossCost', weight=2.0, eps=1e-8),
            dict(type='mmdet.BBoxL1Cost', weight=5.0, box_format='xywh'),
            dict(type='mmdet.IoUCost', iou_mode='giou', weight=2.0),
        ],
    )


def perfect_cost(match_costs: list) -> float:
    """What it costs to match a query that says exactly what is there."""
    with torch.device('cpu'):  # also where a model is built without memory
        certain = 1e4  # of sigmoids and of a softmax
        box = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
        scores = torch.tensor([[certain, -certain]])
        query = InstanceData(scores=scores, bboxes=box)
        gt = InstanceData(labels=torch.tensor([0]), bboxes=box)
        meta = dict(img_shape=(1, 1))
        return float(sum(cost(query, gt, meta) for cost in match_costs))
