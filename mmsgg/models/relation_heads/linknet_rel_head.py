"""LinkNet: relational embedding for scene graphs (arXiv 1811.06410)."""

from itertools import pairwise
from typing import Any

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.computed_once import computed_once
from mmsgg.models.layers import RelationalEmbedding
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from .region_rel_head import RegionRelHead, build_part, width_of


@MODELS.register_module()
class LinkNetRelHead(RegionRelHead):
    """Refine objects by attention among them, then score their pairs.

    In the paper's symbols, for the N objects of an image::

        O0 = [f, K0 l, c]            region, class and global context feature
        O3, O4 = blocks 1 and 2      256 channels, class logits
        E0 = [K1 argmax(O4), O3]
        E1 = blocks 3 and 4          a subject half and an object half
        G0 = E1s_i * E1o_j * F_ij    F: feature of the union box
        G1 = fc4([G0, K2 b])         predicate logits; b: geometric layout

    and on top the frequency bias of the two classes. What is None or False
    below is left out of these formulas, which is the ablation of the paper;
    without f, F and c the head needs no image.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        global_context: Config of :class:`GlobalContext`, or None.
        geometric_layout: Config of :class:`GeometricLayout`, or None.
        num_object_blocks: Blocks that refine the objects. Of one, O3 is as
            wide as O0; with none, O3 is O0 and O4 what the detector said.
        num_edge_blocks: Blocks that make E1 of E0, at least one.
        attention: Whether the objects of an image see each other in the
            blocks.
        scale_attention: Whether the logits of the attention are divided by
            the root of their width, which the paper does not do.
        norm: Whether the blocks see their input behind a layer norm, which
            the paper does not do either.
        layout_gate: Whether a layer on K2 b stands for F where that is left
            out, so that what a layout means can depend on the classes.
        dropout: Probability of dropping a channel of K1 and of G0 in
            training.
        embed_channels: Width of the word tables K0 and K1.
        hidden_channels: Width between the blocks.
        pair_channels: Width of G0 where no F says it.
        reduction: r of the blocks.
        context_loss_weight: lambda2, the weight of the context loss.
        kwargs: As of :class:`RegionRelHead`.

    Raises:
        ValueError: If there is no edge block.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        global_context: dict | None = None,
        geometric_layout: dict | None = None,
        num_object_blocks: int = 2,
        num_edge_blocks: int = 2,
        attention: bool = True,
        scale_attention: bool = False,
        norm: bool = False,
        layout_gate: bool = False,
        dropout: float = 0.0,
        embed_channels: int = 200,
        hidden_channels: int = 256,
        pair_channels: int = 512,
        reduction: int = 2,
        context_loss_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, **kwargs)
        if num_edge_blocks < 1:
            raise ValueError(
                f'LinkNetRelHead needs an edge block, but num_edge_blocks is '
                f'{num_edge_blocks}; to see it without attention set '
                'attention=False'
            )
        self.num_object_blocks = num_object_blocks
        self.num_edge_blocks = num_edge_blocks
        self.context_loss_weight = context_loss_weight
        self.global_context = build_part(
            global_context, num_classes=num_classes
        )
        self.geometric_layout = build_part(geometric_layout)

        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes, embed_channels)
        pair_channels = width_of(self.union_head) or pair_channels
        object_channels = (  # of O0
            width_of(self.object_head)
            + embed_channels
            + width_of(self.global_context)
        )

        def add_blocks(name: str, ins: int, outs: int, num: int) -> int:
            widths = [ins, *[hidden_channels] * (num - 1), outs]
            for i, channels in enumerate(pairwise(widths[: num + 1]), 1):
                block = RelationalEmbedding(
                    *channels, reduction, attention, scale_attention, norm
                )
                self.add_module(f'{name}{i}', block)
            return widths[max(num - 1, 0)]  # of the residual output

        o3_channels = add_blocks(
            'object_block', object_channels, num_classes + 1, num_object_blocks
        )
        add_blocks(
            'edge_block',
            embed_channels + o3_channels,
            2 * pair_channels,
            num_edge_blocks,
        )
        layout_channels = width_of(self.geometric_layout)
        gated = layout_gate and layout_channels and self.union_head is None
        self.layout_gate = (
            nn.Linear(layout_channels, pair_channels) if gated else None
        )
        self.dropout = nn.Dropout(dropout)
        self.predicate_fc = nn.Linear(
            pair_channels + layout_channels, num_predicates + 1
        )
        nn.init.xavier_normal_(self.predicate_fc.weight)  # linknet-pytorch

    @property
    def uses_image(self) -> bool:
        """Whether anything looks at the feature maps."""
        return super().uses_image or self.global_context is not None

    def blocks(self, name: str) -> list[RelationalEmbedding]:
        """List the blocks 'object_block' or 'edge_block' in order."""
        num = getattr(self, f'num_{name}s')
        return [getattr(self, f'{name}{i + 1}') for i in range(num)]

    def loss(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Add the global context loss to those of the base class."""
        if self.global_context is None:
            return super().loss(x, objects, batch_data_samples)
        with computed_once(self.global_context, 'forward'):
            losses = super().loss(x, objects, batch_data_samples)
            _, logits = self.global_context(x)
        labels = [sample.gt_instances.labels for sample in batch_data_samples]
        losses['loss_context'] = (
            self.context_loss_weight * self.global_context.loss(logits, labels)
        )
        return losses

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """See the base class."""
        num_objects = [len(image_objects) for image_objects in objects]
        hidden, logits = self.refine_objects(x, objects, num_objects)
        object_logits, labels = self.name_objects(objects, logits)
        edges = self.embed_edges(hidden, labels, num_objects)
        bboxes = [image_objects.bboxes for image_objects in objects]
        stacked = torch.cat(bboxes)

        def score(rows: Tensor, unions: Tensor) -> Tensor:
            return self.score_pairs(stacked, edges, rows, unions)

        predicate_logits = self.score_in_pieces(
            score, x, bboxes, labels, pairs
        )
        return object_logits, predicate_logits

    def refine_objects(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        num_objects: list[int],
    ) -> tuple[Tensor, Tensor]:
        """Run blocks 1 and 2.

        Returns:
            O3 (sum N, hidden) and the class logits O4 (sum N, C + 1).
        """
        logits = torch.cat([image_objects.logits for image_objects in objects])
        bboxes = [image_objects.bboxes for image_objects in objects]
        features = [
            self.embed_regions(x, bboxes),
            logits.softmax(dim=1) @ self.object_embedding.weight,
        ]
        if self.global_context is not None:
            context, _ = self.global_context(x)  # B, context channels
            images = bbox2roi(bboxes)[:, 0].long()
            features.append(context[images])
        hidden = torch.cat(features, dim=1)  # O0
        refined = hidden
        for block in self.blocks('object_block'):
            hidden, refined = block(refined, num_objects)
        return hidden, refined if self.num_object_blocks else logits

    def embed_edges(
        self, hidden: Tensor, labels: Tensor, num_objects: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Run blocks 3 and 4.

        Args:
            hidden: O3 (sum N, hidden).
            labels: (sum N,) decided classes.
            num_objects: N of each image.

        Returns:
            E1 as its subject half and object half, each (sum N, pair).
        """
        words = self.dropout(self.edge_embedding(labels))
        edges = torch.cat([words, hidden], dim=1)  # E0
        for block in self.blocks('edge_block'):
            _, edges = block(edges, num_objects)
        return edges.chunk(2, dim=1)

    def score_pairs(
        self,
        bboxes: Tensor,
        edges: tuple[Tensor, Tensor],
        rows: Tensor,
        unions: Tensor,
    ) -> Tensor:
        """Score the predicates of k pairs.

        Args:
            bboxes: (sum N, 4), input-image pixels.
            edges: Subject and object half of E1, each (sum N, pair).
            rows: (k, 2) rows [subject, object] of both.
            unions: F (k, pair), or ones (k, 1).

        Returns:
            (k, P + 1) logits G1.
        """
        subjects, targets = rows.T
        joint = edges[0][subjects] * edges[1][targets] * unions  # G0
        if self.geometric_layout is None:
            return self.predicate_fc(self.dropout(joint))
        layout = self.geometric_layout(bboxes[subjects], bboxes[targets])
        if self.layout_gate is not None:
            joint = joint * torch.relu(self.layout_gate(layout))
        features = torch.cat([self.dropout(joint), layout], dim=1)
        return self.predicate_fc(features)
