"""LinkNet: relational embedding for scene graphs (arXiv 1811.06410)."""

from itertools import pairwise
from typing import Any

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from .base_relation_head import BaseRelationHead, RelationOutput
from .pair_features import (
    REGION_WEIGHTS,
    PairFeatures,
    build_part,
    stack_pairs,
    width_of,
)
from .triplet_search import search_triplets


class RelationalEmbedding(nn.Module):
    """One relational embedding block of LinkNet.

    With O the (N, D) features of the objects of one image::

        R   = softmax((O W) (O U)^T)      # (N, N), a row per object
        O'  = O + fc0(R (O H))            # (N, D), the residual output
        O'' = fc1(O')                     # (N, out_channels)

    Attention never crosses images: the rows of several images come stacked,
    and each image's rows see each other only.

    Args:
        in_channels: D.
        out_channels: Width of O''.
        reduction: r of the paper; W, U and H map D to D // r.
        attention: Whether objects see each other; else R is the identity,
            and there is no W and U.
        scale: Whether R = softmax((O W) (O U)^T / sqrt(D // r)), as in a
            transformer. Without it the logits grow with D, and the softmax
            comes near to picking one object.
        norm: Whether W, U and H see O behind a layer norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        reduction: int = 2,
        attention: bool = True,
        scale: bool = False,
        norm: bool = False,
    ) -> None:
        super().__init__()
        inner = in_channels // reduction
        self.attention = attention
        self.scale = inner**-0.5 if scale else 1.0
        self.norm = nn.LayerNorm(in_channels) if norm else nn.Identity()
        if attention:
            self.W = nn.Linear(in_channels, inner)
            self.U = nn.Linear(in_channels, inner)
        self.H = nn.Linear(in_channels, inner)
        self.fc0 = nn.Linear(inner, in_channels)
        self.fc1 = nn.Linear(in_channels, out_channels)

    def extra_repr(self) -> str:
        """Say what no layer shows."""
        return f'scale={self.scale:g}'

    def forward(
        self, x: Tensor, num_objects: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Embed the objects of a batch, image by image.

        Args:
            x: (sum N, in_channels) features, the images one after another.
            num_objects: N of each image, 0 allowed.

        Returns:
            The residual output O' (sum N, in_channels) and O''
            (sum N, out_channels).
        """
        normed = self.norm(x)
        values = self.H(normed)
        if self.attention:
            values = self._attend(normed, values, num_objects)
        residual = x + self.fc0(values)
        return residual, self.fc1(residual)

    def _attend(
        self, x: Tensor, values: Tensor, num_objects: list[int]
    ) -> Tensor:
        """Mix the values (sum N, D // r) of each image by R."""
        images = zip(
            (self.scale * self.W(x)).split(num_objects),
            self.U(x).split(num_objects),
            values.split(num_objects),
            strict=True,
        )
        return torch.cat(
            [
                torch.softmax(query @ key.T, dim=1) @ value
                for query, key, value in images
            ]
        )


@MODELS.register_module()
class LinkNetRelHead(BaseRelationHead):
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
        features: Config of :class:`PairFeatures`, which makes f and F, or
            None.
        global_context: Config of :class:`GlobalContext`, or None.
        geometric_layout: Config of :class:`GeometricLayout`, or None.
        frequency_bias: Whether to add :class:`FrequencyBias`.
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
        kwargs: As of :class:`BaseRelationHead`.

    Raises:
        ValueError: If there is no edge block.
    """

    independent_pairs = True
    renamed_weights = REGION_WEIGHTS | {
        f'{name}_block{i + 1}.': f'{name}_blocks.{i}.'
        for name in ('object', 'edge')
        for i in range(9)
    }

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        global_context: dict | None = None,
        geometric_layout: dict | None = None,
        frequency_bias: bool = True,
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
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        if num_edge_blocks < 1:
            raise ValueError(
                f'LinkNetRelHead needs an edge block, but num_edge_blocks is '
                f'{num_edge_blocks}; to see it without attention set '
                'attention=False'
            )
        self.context_loss_weight = context_loss_weight
        self.features = PairFeatures(**features or {})
        self.global_context = build_part(
            global_context, num_classes=num_classes
        )
        self.geometric_layout = build_part(geometric_layout)

        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes, embed_channels)
        union_channels = self.features.union_channels
        pair_channels = union_channels or pair_channels
        o0_channels = (
            self.features.object_channels
            + embed_channels
            + width_of(self.global_context)
        )

        def blocks(ins: int, outs: int, num: int) -> nn.ModuleList:
            widths = [ins, *[hidden_channels] * (num - 1), outs][: num + 1]
            return nn.ModuleList(
                RelationalEmbedding(
                    *channels, reduction, attention, scale_attention, norm
                )
                for channels in pairwise(widths)
            )

        self.object_blocks = blocks(
            o0_channels, num_classes + 1, num_object_blocks
        )
        o3_channels = hidden_channels if num_object_blocks > 1 else o0_channels
        self.edge_blocks = blocks(
            embed_channels + o3_channels, 2 * pair_channels, num_edge_blocks
        )
        layout_channels = width_of(self.geometric_layout)
        gated = layout_gate and layout_channels and not union_channels
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
        sizes = [*map(len, bboxes)]
        auxiliary, context = {}, None
        if self.global_context is not None:
            context, auxiliary['context'] = self.global_context(x)

        features = self.describe_objects(x, objects, context)  # sum N, O0
        hidden, logits = self.refine_objects(features, sizes)  # O3, O4
        if not self.object_blocks:
            logits = torch.cat([image.logits for image in objects])
        object_logits, labels = self.decide_classes(objects, logits, targets)

        edges = self.embed_edges(hidden, labels, sizes)  # E1
        boxes = torch.cat(bboxes)

        def score(chunk: Tensor, unions: Tensor) -> Tensor:
            scores = self.score_pairs(boxes, edges, chunk, unions)  # G1
            return self.add_frequency_bias(scores, labels[chunk])

        scores = self.features.score(
            x,
            bboxes,
            stack_pairs(bboxes, pairs),
            score,
            **search_triplets(
                self, objects, object_logits, labels, pairs, max_triplets
            ),
        )
        return self.collect(object_logits, labels, scores, pairs, **auxiliary)

    def auxiliary_losses(
        self, output: RelationOutput, batch_data_samples: list[SGDataSample]
    ) -> dict[str, Tensor]:
        """Add the global context loss."""
        if self.global_context is None:
            return {}
        labels = [sample.gt_instances.labels for sample in batch_data_samples]
        loss = self.global_context.loss(output.auxiliary['context'], labels)
        return dict(loss_context=self.context_loss_weight * loss)

    def describe_objects(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        context: Tensor | None,
    ) -> Tensor:
        """Make O0 (sum N, channels); c (B, channels) is each image's."""
        bboxes = [image.bboxes for image in objects]
        logits = torch.cat([image.logits for image in objects])
        features = [
            self.features.embed_objects(x, bboxes),
            logits.softmax(dim=1) @ self.object_embedding.weight,
        ]
        if context is not None:
            features.append(context[bbox2roi(bboxes)[:, 0].long()])
        return torch.cat(features, dim=1)

    def refine_objects(
        self, features: Tensor, num_objects: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Run blocks 1 and 2.

        Args:
            features: O0 (sum N, channels).
            num_objects: N of each image.

        Returns:
            O3 (sum N, hidden) and the class logits O4 (sum N, C + 1); O0 for
            both where there is no block.
        """
        hidden = refined = features
        for block in self.object_blocks:
            hidden, refined = block(refined, num_objects)
        return hidden, refined

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
        for block in self.edge_blocks:
            _, edges = block(edges, num_objects)
        subjects, objects = edges.chunk(2, dim=1)
        return subjects, objects

    def score_pairs(
        self,
        bboxes: Tensor,
        edges: tuple[Tensor, Tensor],
        pairs: Tensor,
        unions: Tensor,
    ) -> Tensor:
        """Score the predicates of k pairs.

        Args:
            bboxes: (sum N, 4), input-image pixels.
            edges: Subject and object half of E1, each (sum N, pair).
            pairs: (k, 2) rows [subject, object] of both.
            unions: F (k, pair), or ones (k, 1).

        Returns:
            (k, P + 1) logits G1 without the frequency bias.
        """
        subjects, objects = pairs.T
        joint = edges[0][subjects] * edges[1][objects] * unions  # G0
        if self.geometric_layout is None:
            return self.predicate_fc(self.dropout(joint))
        layout = self.geometric_layout(bboxes[subjects], bboxes[objects])
        if self.layout_gate is not None:
            joint = joint * torch.relu(self.layout_gate(layout))
        features = torch.cat([self.dropout(joint), layout], dim=1)
        return self.predicate_fc(features)
