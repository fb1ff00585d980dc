"""A relation head that looks at the regions of objects and of pairs."""

from typing import Any

import torch
from mmdet.structures.bbox import bbox2roi
from torch import Tensor

from mmsgg.models.layers import FrequencyBias
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead


class RegionRelHead(BaseRelationHead):
    """What heads share that read the feature map.

    f_i is the feature of an object's box, F_ij that of the union box of a
    pair, each a RoI extractor with fc6 and fc7 behind it. A method implements
    :meth:`forward` from them.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        object_roi_extractor: Config of the RoI extractor of objects.
        object_head: Config of what makes f of the pooled region.
        union_roi_extractor: Config of :class:`UnionRoIExtractor`.
        union_head: Config of what makes F of the pooled union box.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        max_pairs: Pairs that are scored at once in inference; bounds the
            memory.
        kwargs: As of :class:`BaseRelationHead`.
    """

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        object_roi_extractor: dict,
        object_head: dict,
        union_roi_extractor: dict,
        union_head: dict,
        frequency_bias: bool = True,
        max_pairs: int = 1024,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, **kwargs)
        self.max_pairs = max_pairs
        self.object_roi_extractor = MODELS.build(object_roi_extractor)
        self.object_head = MODELS.build(object_head)
        self.union_roi_extractor = MODELS.build(union_roi_extractor)
        self.union_head = MODELS.build(union_head)
        self.frequency_bias = (
            FrequencyBias(num_classes, num_predicates)
            if frequency_bias
            else None
        )

    def embed_regions(
        self, x: tuple[Tensor, ...], bboxes: list[Tensor]
    ) -> Tensor:
        """Make f (sum N, channels) of the objects of a batch.

        Args:
            x: Feature maps, each (B, channels, H, W).
            bboxes: For each image (N, 4), input-image pixels.
        """
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
            F (U, pair), and (sum K,) which row of it is a pair's.
        """
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
