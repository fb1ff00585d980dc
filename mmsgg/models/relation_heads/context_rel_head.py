"""Objects in context, then edges in context, then their pairs."""

from abc import abstractmethod
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import BoxEmbedding, ObjectSequences

from .region_rel_head import RegionRelHead, width_of


class ContextRelHead(RegionRelHead):
    """The common way of Motifs and of the transformer head.

    For the N objects of an image, with f_i their regions, l_i the detector's
    class distribution and b_i their boxes::

        O0 = [f, K0 l, B b]
        O1, O2 = refine_objects      hidden features, class logits
        E  = embed_edges             hidden features, of O1 and the classes
        [s, o] = role_fc E           as a subject, and as an object
        logits of (i, j) = score_pairs(s_i, o_j, F_ij)

    and on top the frequency bias of the two classes. A method makes what
    these take, and ``role_fc``, as wide as it needs s and o.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        embed_channels: Width of the word tables K0 and K1.
        box_channels: Width of B b.
        hidden_channels: Width of O1 and E.
        pair_channels: Width of the feature of a pair where no F says it.
        kwargs: As of :class:`RegionRelHead`.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        embed_channels: int = 200,
        box_channels: int = 128,
        hidden_channels: int = 512,
        pair_channels: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, **kwargs)
        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes, embed_channels)
        self.box_embedding = BoxEmbedding(box_channels)
        self.region_channels = width_of(self.object_head)
        self.object_channels = (
            self.region_channels + embed_channels + box_channels
        )
        self.pair_channels = width_of(self.union_head) or pair_channels

    def sequences(self, objects: list[InstanceData]) -> ObjectSequences:
        """Say in which order the objects of each image are read."""
        device = objects[0].bboxes.device
        return ObjectSequences([*map(len, objects)], device=device)

    @abstractmethod
    def refine_objects(
        self,
        features: Tensor,
        objects: list[InstanceData],
        sequences: ObjectSequences,
    ) -> tuple[Tensor, Tensor]:
        """Put objects in context.

        Args:
            features: O0 (sum N, object_channels), stacked.
            objects: Objects of each image.
            sequences: As of :meth:`sequences`.

        Returns:
            O1 (sum N, hidden) and class logits O2 (sum N, C + 1).
        """

    @abstractmethod
    def embed_edges(
        self,
        regions: Tensor,
        hidden: Tensor,
        words: Tensor,
        sequences: ObjectSequences,
    ) -> Tensor:
        """Put the decided objects in context.

        Args:
            regions: f (sum N, region channels), stacked.
            hidden: O1 (sum N, hidden).
            words: K1 of the decided classes (sum N, embed).
            sequences: As of :meth:`sequences`.

        Returns:
            E (sum N, hidden).
        """

    @abstractmethod
    def score_pairs(
        self, subjects: Tensor, objects: Tensor, unions: Tensor
    ) -> Tensor:
        """Score the predicates of k pairs.

        Args:
            subjects: s (k, role) of the subjects.
            objects: o (k, role) of the objects.
            unions: F (k, union channels), or ones (k, 1) if left out.

        Returns:
            (k, P + 1) logits, background last.
        """

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """See the base class."""
        bboxes = [image_objects.bboxes for image_objects in objects]
        regions = self.embed_regions(x, bboxes)
        features = self.describe_objects(regions, objects)
        sequences = self.sequences(objects)
        hidden, logits = self.refine_objects(features, objects, sequences)
        object_logits, labels = self.name_objects(objects, logits)
        words = self.edge_embedding(labels)
        edges = self.embed_edges(regions, hidden, words, sequences)
        roles = self.role_fc(edges).chunk(2, dim=1)

        def score(rows: Tensor, unions: Tensor) -> Tensor:
            subjects, targets = rows.T
            return self.score_pairs(
                roles[0][subjects], roles[1][targets], unions
            )

        predicate_logits = self.score_in_pieces(
            score, x, bboxes, labels, pairs
        )
        return object_logits, predicate_logits

    def describe_objects(
        self, regions: Tensor, objects: list[InstanceData]
    ) -> Tensor:
        """Make O0 (sum N, object_channels) of the stacked regions f."""
        logits = torch.cat([image.logits for image in objects])
        words = logits.softmax(dim=1) @ self.object_embedding.weight
        bboxes = torch.cat([image.bboxes for image in objects])
        return torch.cat([regions, words, self.box_embedding(bboxes)], dim=1)
