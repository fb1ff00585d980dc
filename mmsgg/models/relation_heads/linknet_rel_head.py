"""LinkNet: relational embedding for scene graphs (arXiv 1811.06410)."""

from itertools import pairwise
from typing import Any

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import FrequencyBias, RelationalEmbedding
from mmsgg.models.roi_heads import pair_rows
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from .base_relation_head import BaseRelationHead


def _built(cfg: dict | None, **kwargs: Any) -> nn.Module | None:
    """Build a part of the head, unless it is switched off."""
    return None if cfg is None else MODELS.build(dict(cfg, **kwargs))


def _width(part: nn.Module | None) -> int:
    """How many channels a part contributes."""
    return 0 if part is None else part.out_channels


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
        object_roi_extractor: Config of the RoI extractor of objects, or None
            to leave f out.
        object_head: Config of what makes f of the pooled region.
        union_roi_extractor: Config of :class:`UnionRoIExtractor`, or None to
            leave F out.
        union_head: Config of what makes F of the pooled union box.
        global_context: Config of :class:`GlobalContext`, or None.
        geometric_layout: Config of :class:`GeometricLayout`, or None.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        num_object_blocks: Blocks that refine the objects. Of one, O3 is as
            wide as O0; with none, O3 is O0 and O4 what the detector said.
        num_edge_blocks: Blocks that make E1 of E0, at least one.
        attention: Whether the objects of an image see each other in the
            blocks.
        embed_channels: Width of the word tables K0 and K1.
        hidden_channels: Width between the blocks.
        pair_channels: Width of G0 where no F says it.
        reduction: r of the blocks.
        context_loss_weight: lambda2, the weight of the context loss.
        max_pairs: Pairs whose union boxes are pooled at once in inference;
            bounds the memory.
        kwargs: As of :class:`BaseRelationHead`.

    Raises:
        ValueError: If there is no edge block.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        object_roi_extractor: dict | None = None,
        object_head: dict | None = None,
        union_roi_extractor: dict | None = None,
        union_head: dict | None = None,
        global_context: dict | None = None,
        geometric_layout: dict | None = None,
        frequency_bias: bool = True,
        num_object_blocks: int = 2,
        num_edge_blocks: int = 2,
        attention: bool = True,
        embed_channels: int = 200,
        hidden_channels: int = 256,
        pair_channels: int = 512,
        reduction: int = 2,
        context_loss_weight: float = 1.0,
        max_pairs: int = 1024,
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
        self.max_pairs = max_pairs
        self.object_roi_extractor = _built(object_roi_extractor)
        self.object_head = _built(object_head)
        self.union_roi_extractor = _built(union_roi_extractor)
        self.union_head = _built(union_head)
        self.global_context = _built(global_context, num_classes=num_classes)
        self.geometric_layout = _built(geometric_layout)

        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes, embed_channels)
        pair_channels = _width(self.union_head) or pair_channels
        object_channels = (  # of O0
            _width(self.object_head)
            + embed_channels
            + _width(self.global_context)
        )

        def add_blocks(name: str, ins: int, outs: int, num: int) -> int:
            widths = [ins, *[hidden_channels] * (num - 1), outs]
            for i, channels in enumerate(pairwise(widths[: num + 1]), 1):
                block = RelationalEmbedding(*channels, reduction, attention)
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
        self.predicate_fc = nn.Linear(
            pair_channels + _width(self.geometric_layout), num_predicates + 1
        )
        self.frequency_bias = (
            FrequencyBias(num_classes, num_predicates)
            if frequency_bias
            else None
        )

    @property
    def uses_image(self) -> bool:
        """Whether anything looks at the feature maps."""
        parts = (self.object_head, self.union_head, self.global_context)
        return any(part is not None for part in parts)

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
        losses = super().loss(x, objects, batch_data_samples)
        if self.global_context is None:
            return losses
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
        object_logits = [
            self.known_logits(*image)
            for image in zip(objects, logits.split(num_objects), strict=True)
        ]
        labels = [
            self.decide_labels(*image)
            for image in zip(objects, object_logits, strict=True)
        ]
        edges = self.embed_edges(hidden, torch.cat(labels), num_objects)
        bboxes = [image_objects.bboxes for image_objects in objects]
        predicate_logits = self.score_pairs(x, bboxes, edges, labels, pairs)
        return object_logits, list(predicate_logits.split([*map(len, pairs)]))

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
        features = [logits.softmax(dim=1) @ self.object_embedding.weight]
        rois = bbox2roi([image_objects.bboxes for image_objects in objects])
        if self.object_head is not None:
            inputs = x[: self.object_roi_extractor.num_inputs]
            pooled = self.object_roi_extractor(inputs, rois)
            features.insert(0, self.object_head(pooled))
        if self.global_context is not None:
            context, _ = self.global_context(x)  # B, context channels
            features.append(context[rois[:, 0].long()])
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
        words = self.edge_embedding(labels)
        edges = torch.cat([words, hidden], dim=1)  # E0
        for block in self.blocks('edge_block'):
            _, edges = block(edges, num_objects)
        return edges.chunk(2, dim=1)

    def score_pairs(
        self,
        x: tuple[Tensor, ...],
        bboxes: list[Tensor],
        edges: tuple[Tensor, Tensor],
        labels: list[Tensor],
        pairs: list[Tensor],
    ) -> Tensor:
        """Score the predicates of all pairs of the batch.

        Args:
            x: Feature maps, each (B, channels, H, W).
            bboxes: For each image (N, 4), input-image pixels.
            edges: Subject and object half of E1, each (sum N, pair).
            labels: For each image (N,) decided classes.
            pairs: For each image (K, 2).

        Returns:
            (sum K, P + 1), the images one after another.
        """
        rows = pair_rows(bboxes, pairs)
        unions, shown = self.embed_unions(x, bboxes, rows)
        all_bboxes, all_labels = torch.cat(bboxes), torch.cat(labels)
        logits = []
        for piece, union in zip(
            self.pieces(rows), self.pieces(shown), strict=True
        ):
            subjects, targets = piece.T
            joint = edges[0][subjects] * edges[1][targets] * unions[union]
            if self.geometric_layout is not None:
                layout = self.geometric_layout(
                    all_bboxes[subjects], all_bboxes[targets]
                )
                joint = torch.cat([joint, layout], dim=1)
            scores = self.predicate_fc(joint)
            if self.frequency_bias is not None:
                scores = scores + self.frequency_bias(all_labels[piece])
            logits.append(scores)
        return torch.cat(logits)

    def embed_unions(
        self, x: tuple[Tensor, ...], bboxes: list[Tensor], rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Make F of the union boxes, each once.

        (i, j) and (j, i) have the same union box and so, unless the boxes are
        drawn into it, the same F; in training they share its dropout too.

        Args:
            x: Feature maps, each (B, channels, H, W).
            bboxes: For each image (N, 4), input-image pixels.
            rows: (sum K, 2) pairs as :func:`pair_rows` gives them.

        Returns:
            F (U, pair), and (sum K,) which row of it is a pair's; a single 1
            for all of them where F is left out.
        """
        if self.union_head is None:
            return bboxes[0].new_ones(1, 1), rows.new_zeros(len(rows))
        shown = torch.arange(len(rows), device=rows.device)
        if self.union_roi_extractor.drawing is None:
            unordered = rows.sort(dim=1).values
            rows, shown = unordered.unique(dim=0, return_inverse=True)
        rois = bbox2roi(bboxes)
        unions = [
            self.union_head(self.union_roi_extractor.pool(x, *rois[piece.T]))
            for piece in self.pieces(rows)
        ]
        return torch.cat(unions), shown

    def pieces(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Split what belongs to pairs, so that inference needs less memory.

        Training keeps all for the gradient, and batch norm wants all at once.
        """
        return (rows,) if self.training else rows.split(self.max_pairs)
