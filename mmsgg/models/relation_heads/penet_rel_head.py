"""PE-Net: predicates by the prototype that is next (arXiv 2303.07096)."""

from math import log
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import RelativeBoxEmbedding
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from .base_relation_head import BaseRelationHead, RelationOutput
from .object_classes import class_probabilities
from .pair_features import (
    PairFeatures,
    image_size_of_each,
    image_sizes,
    stack_pairs,
)
from .relation_nms import relation_nms
from .triplet_search import search_triplets

MARGIN = 7.0  # squared distance of a prototype from the next one, at least
NEAREST = 10  # wrong prototypes that a pair is held away from


def two_layers(
    in_channels: int, channels: int, out_channels: int, dropout: float = 0.0
) -> nn.Sequential:
    """Make a linear layer, ReLU, dropout and a linear layer."""
    return nn.Sequential(
        nn.Linear(in_channels, channels),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(channels, out_channels),
    )


class RoleEmbedding(nn.Module):
    """An object as a subject, or as an object: its class and its looks.

    Zheng et al. 2023, eq. 2 and 3: with t the word vector of its class and h
    what it looks like, the latter as much as a gate lets through::

        w = W t;  s = w + sigmoid(gate [w, h]) * h
        LN(s + dropout(relu(fc s)))

    Args:
        word_channels: Width of t.
        channels: Width of h and of the result.
        dropout: Probability of dropping a channel.
    """

    def __init__(
        self, word_channels: int, channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.word_fc = two_layers(word_channels, channels // 2, channels)
        self.gate_fc = nn.Linear(2 * channels, channels)
        self.fc = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, looks: Tensor) -> Tensor:
        """Embed N objects by t (N, word) and h (N, channels)."""
        word = self.word_fc(words)
        gate = torch.sigmoid(self.gate_fc(torch.cat([word, looks], dim=1)))
        mixed = word + gate * looks
        return self.norm(mixed + self.dropout(torch.relu(self.fc(mixed))))


def prototype_losses(prototypes: Tensor) -> dict[str, Tensor]:
    """Hold prototypes C (P + 1, D) away from each other, all over squares.

    As in the authors' code, the gradient goes to the row of each comparison,
    not to the column.

    Returns:
        ``loss_prototype_similarity``, of S the cosines of all pairs
        sum_i |S_i| / (P + 1)^2, and ``loss_prototype_distance``, the mean of
        max(0, 7 - |C_i - C_j|^2), j the prototype next to i.
    """
    unit = F.normalize(prototypes, dim=1)
    similarity = (unit @ unit.detach().t()).norm(dim=1).sum()
    others = prototypes.detach()
    distances = squared_distances(prototypes, others)
    itself = torch.eye(
        len(prototypes), dtype=torch.bool, device=prototypes.device
    )
    nearest = distances.masked_fill(itself, torch.inf).amin(dim=1)
    return dict(
        loss_prototype_similarity=similarity / len(prototypes) ** 2,
        loss_prototype_distance=(MARGIN - nearest).clamp(min=0).mean(),
    )


def relation_distance_loss(
    relations: Tensor, prototypes: Tensor, predicates: Tensor
) -> Tensor:
    """Draw each pair to its prototype, away from the nearest wrong ones.

    Args:
        relations: r (K, D).
        prototypes: C (P + 1, D).
        predicates: (K,) which prototype is a pair's, background last.

    Returns:
        The mean of max(0, 1 + |r - C_y|^2 - the mean of the 10 smallest
        |r - C_k|^2 of others), scalar.
    """
    distances = squared_distances(relations, prototypes)
    own = predicates[:, None]
    wrong = distances.scatter(1, own, torch.inf)
    num = min(NEAREST, len(prototypes) - 1)
    nearest = wrong.topk(num, dim=1, largest=False).values.mean(dim=1)
    excess = 1 + distances.gather(1, own)[:, 0] - nearest
    return excess.clamp(min=0).sum() / max(len(relations), 1)


def squared_distances(rows: Tensor, columns: Tensor) -> Tensor:
    """|a - b|^2 (n, m) of rows (n, D) and columns (m, D), in float32."""
    return torch.cdist(
        rows.float(),
        columns.float(),
        # the product of matrices cancels digits
        compute_mode='donot_use_mm_for_euclid_dist',
    ).square()


@MODELS.register_module()
class PENetRelHead(BaseRelationHead):
    """Zheng et al. 2023: predicates are prototypes that pairs come near to.

    For the N objects of an image, with f_i their regions, l_i the detector's
    class distribution, one-hot where the class is given, b_i their boxes and
    c_i the class decided on::

        O  = W [f, K0 l, B b]
        h_s, h_o = v(role_fc f)               looks
        s  = RoleEmbedding(K1 c, h_s);  o = RoleEmbedding(K1 c, h_o)
        F  = relu(s_i + o_j) - (s_i - o_j)^2
        u  = v(down F_ij)                     F_ij the union box
        r  = F - u sigmoid(gate [F, u])
        r  = project(relu(LN(r + relu(fc r))))
        C  = project(relu(W K2))              K2 a word vector a predicate
        logits = scale cos(r, C)

    without a frequency bias. Three losses beside the usual ones hold the
    prototypes apart and draw the pairs to theirs, all of weight 1. s and o
    are made once an object, where the authors' code makes them anew for each
    pair with another dropout.

    The published predcls and sgcls figures were measured with
    ``relation_nms_iou=0.6`` and ``rank_by_subject=True``: see
    :func:`relation_nms`. Neither is on by default.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        features: Config of :class:`PairFeatures`, objects and unions.
        embed_channels: Width of all word tables, which
            :class:`WordVectorHook` starts from a file.
        box_channels: Width of B b.
        hidden_channels: Width of O.
        channels: Width of s, o and F; r and C are twice as wide.
        dropout: Probability of dropping a channel.
        relation_nms_iou: IoU of :func:`relation_nms`, or None to leave it
            out.
        rank_by_subject: Whether that ranks by the subject's score, squared.
        kwargs: As of :class:`BaseRelationHead`.

    Raises:
        ValueError: If the features it starts from are left out.
    """

    late_nms_rule = 'overwrite'

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        embed_channels: int = 300,
        box_channels: int = 128,
        hidden_channels: int = 512,
        channels: int = 2048,
        dropout: float = 0.2,
        relation_nms_iou: float | None = None,
        rank_by_subject: bool = False,
        **kwargs: Any,
    ) -> None:
        # nothing would add a frequency bias
        super().__init__(num_classes, num_predicates, False, **kwargs)
        self.features = PairFeatures(**features or {})
        regions = self.features.object_channels
        unions = self.features.union_channels
        if not regions or not unions:
            raise ValueError(
                'PENetRelHead sees what objects and pairs look like; give '
                'its features object_head and union_head, each with its RoI '
                'extractor'
            )
        self.relation_nms_iou = relation_nms_iou
        # with it, any pair may come up where others lose their predicate
        self.independent_pairs = relation_nms_iou is None
        self.rank_by_subject = rank_by_subject
        # K0 reads the detector's distribution, K1 the class decided on,
        # which may be background where late NMS leaves no other
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.predicate_embedding = nn.Embedding(
            num_predicates + 1, embed_channels
        )
        self.box_embedding = RelativeBoxEmbedding(box_channels)
        self.object_fc = nn.Linear(
            regions + embed_channels + box_channels, hidden_channels
        )
        self.classifier = nn.Linear(hidden_channels, num_classes + 1)
        # the object's half comes first
        self.role_fc = nn.Linear(regions, 2 * channels)
        self.looks_fc = two_layers(channels, 2 * channels, channels, dropout)
        self.union_fc = two_layers(unions, channels, channels)
        self.subject = RoleEmbedding(embed_channels, channels, dropout)
        self.object = RoleEmbedding(embed_channels, channels, dropout)
        self.gate_fc = nn.Linear(2 * channels, channels)
        self.relation_fc = nn.Linear(channels, channels)
        self.relation_norm = nn.LayerNorm(channels)
        self.predicate_fc = two_layers(embed_channels, channels // 2, channels)
        self.project_fc = two_layers(channels, channels, 2 * channels)
        self.dropout = nn.Dropout(dropout)
        self.log_scale = nn.Parameter(torch.tensor(log(1 / 0.07)))

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
        max_triplets: int | None = None,
    ) -> RelationOutput:
        """See the base class."""
        bboxes = [image.bboxes for image in objects]
        regions = self.features.embed_objects(x, bboxes)  # f
        object_logits, labels = self.decide_classes(
            objects, self.classify(objects, regions), targets
        )
        words = self.edge_embedding(labels)
        of_object, of_subject = self.role_fc(regions).chunk(2, dim=1)
        subject = self.subject(words, self.looks_fc(of_subject))
        object_ = self.object(words, self.looks_fc(of_object))
        prototypes = self.project(
            self.predicate_fc(self.predicate_embedding.weight)
        )

        def relate(chunk: Tensor, unions: Tensor) -> Tensor:
            relations = self.relate(
                subject[chunk[:, 0]], object_[chunk[:, 1]], unions
            )
            # the losses want r itself, which inference has no memory for
            return (
                relations if targets else self.compare(relations, prototypes)
            )

        scores = self.features.score(
            x,
            bboxes,
            stack_pairs(bboxes, pairs),
            relate,
            image_sizes(objects),
            **search_triplets(
                self, objects, object_logits, labels, pairs, max_triplets
            ),
        )
        auxiliary = {}
        if targets:
            auxiliary = dict(
                relations=scores,
                prototypes=prototypes,
                predicates=torch.cat([t.predicates for t in targets]),
            )
            scores = self.compare(scores, prototypes)
        return self.collect(object_logits, labels, scores, pairs, **auxiliary)

    def classify(self, objects: list[InstanceData], regions: Tensor) -> Tensor:
        """Refine the classes of the objects, (sum N, C + 1) logits."""
        boxes = torch.cat([image.bboxes for image in objects])
        parts = [
            regions,
            class_probabilities(objects) @ self.object_embedding.weight,
            self.box_embedding(boxes, image_size_of_each(objects)),
        ]
        return self.classifier(self.object_fc(torch.cat(parts, dim=1)))

    def relate(
        self, subject: Tensor, object_: Tensor, unions: Tensor
    ) -> Tensor:
        """Make r (k, 2 * channels) of s and o (k, channels) and of F_ij."""
        fused = torch.relu(subject + object_) - (subject - object_).square()
        looks = self.looks_fc(self.union_fc(unions))
        gate = self.gate_fc(torch.cat([fused, looks], dim=1))
        fused = fused - looks * torch.sigmoid(gate)
        deeper = self.dropout(torch.relu(self.relation_fc(fused)))
        return self.project(self.relation_norm(fused + deeper))

    def project(self, x: Tensor) -> Tensor:
        """Bring pairs or predicates (n, channels) where they are compared."""
        return self.project_fc(self.dropout(torch.relu(x)))

    def compare(self, relations: Tensor, prototypes: Tensor) -> Tensor:
        """Score r (k, D) by its angles with C (P + 1, D), (k, P + 1)."""
        cosines = (
            F.normalize(relations, dim=1) @ F.normalize(prototypes, dim=1).t()
        )
        return self.log_scale.exp() * cosines

    def auxiliary_losses(
        self, output: RelationOutput, batch_data_samples: list[SGDataSample]
    ) -> dict[str, Tensor]:
        """Hold prototypes apart and draw the pairs to theirs."""
        seen = output.auxiliary
        prototypes = seen['prototypes'].float()
        return dict(
            **prototype_losses(prototypes),
            loss_relation_distance=relation_distance_loss(
                seen['relations'], prototypes, seen['predicates']
            ),
        )

    def predict_by_feat(
        self, *args: Any, **limit: Any
    ) -> tuple[InstanceData, InstanceData]:
        """See the base class; :func:`relation_nms` comes last, if at all."""
        iou = self.relation_nms_iou
        if iou is None:
            return super().predict_by_feat(*args, **limit)
        instances, relations = super().predict_by_feat(*args)
        relations = relation_nms(
            instances, relations, iou, self.rank_by_subject
        )
        return instances, relations[: limit.get('max_relations')]
