"""A relation head that looks at the regions of objects and of pairs."""

from collections.abc import Callable
from typing import Any

import torch
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmsgg.models.layers import FrequencyBias
from mmsgg.models.roi_heads import pair_rows
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead


def build_part(cfg: dict | None, **kwargs: Any) -> nn.Module | None:
    """Build a part of a head, unless it is switched off."""
    return None if cfg is None else MODELS.build(dict(cfg, **kwargs))


def width_of(part: nn.Module | None) -> int:
    """How many channels a part contributes."""
    return 0 if part is None else part.out_channels


class RegionRelHead(BaseRelationHead):
    """What heads share that read the feature map.

    f_i is the feature of an object's box, F_ij that of the union box of a
    pair, each a RoI extractor with fc6 and fc7 behind it. A method implements
    :meth:`forward` from them. Without f and F it needs no image.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        object_roi_extractor: Config of the RoI extractor of objects, or None
            to leave f out.
        object_head: Config of what makes f of the pooled region.
        union_roi_extractor: Config of :class:`UnionRoIExtractor`, or None to
            leave F out.
        union_head: Config of what makes F of the pooled union box.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        max_pairs: Pairs that are pooled and scored at once in inference;
            bounds the memory.
        kwargs: As of :class:`BaseRelationHead`.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        object_roi_extractor: dict | None = None,
        object_head: dict | None = None,
        union_roi_extractor: dict | None = None,
        union_head: dict | None = None,
        frequency_bias: bool = True,
        max_pairs: int = 1024,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, **kwargs)
        self.max_pairs = max_pairs
        self.object_roi_extractor = build_part(object_roi_extractor)
        self.object_head = build_part(object_head)
        self.union_roi_extractor = build_part(union_roi_extractor)
        self.union_head = build_part(union_head)
        self.frequency_bias = (
            FrequencyBias(num_classes, num_predicates)
            if frequency_bias
            else None
        )

    @property
    def uses_image(self) -> bool:
        """Whether anything looks at the feature maps."""
        return self.object_head is not None or self.union_head is not None

    def embed_regions(
        self, x: tuple[Tensor, ...], bboxes: list[Tensor]
    ) -> Tensor:
        """Make f (sum N, channels) of the objects; no channels if left out.

        Args:
            x: Feature maps, each (B, channels, H, W).
            bboxes: For each image (N, 4), input-image pixels.
        """
        if self.object_head is None:
            return torch.cat(bboxes)[:, :0]
        inputs = x[: self.object_roi_extractor.num_inputs]
        rois = bbox2roi(bboxes)
        return self.object_head(self.object_roi_extractor(inputs, rois))

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

    def score_in_pieces(
        self,
        score: Callable[[Tensor, Tensor], Tensor],
        x: tuple[Tensor, ...],
        bboxes: list[Tensor],
        labels: Tensor,
        pairs: list[Tensor],
    ) -> list[Tensor]:
        """Score the predicates of all pairs, ``max_pairs`` at a time.

        Args:
            score: Makes logits (k, P + 1) of k pairs (k, 2), rows of the
                stacked objects of the batch, and their F (k, pair).
            x: Feature maps, each (B, channels, H, W).
            bboxes: For each image (N, 4), input-image pixels.
            labels: (sum N,) decided classes.
            pairs: For each image (K, 2) rows of its objects.

        Returns:
            For each image logits (K, P + 1), the frequency bias included.
        """
        rows = pair_rows(bboxes, pairs)
        unions, shown = self.embed_unions(x, bboxes, rows)
        logits = []
        for piece, union in zip(
            self.pieces(rows), self.pieces(shown), strict=True
        ):
            scores = score(piece, unions[union])
            if self.frequency_bias is not None:
                scores = scores + self.frequency_bias(labels[piece])
            logits.append(scores)
        return list(torch.cat(logits).split([*map(len, pairs)]))
