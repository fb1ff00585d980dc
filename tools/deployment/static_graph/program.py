"""A model as one function of tensors whose shapes are all known."""

from typing import Any

import torch
from mmcv.ops import MultiScaleDeformableAttention, RoIAlign
from mmdet.models.detectors import DeformableDETR
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn

from mmsgg.models import (
    EGTRRelHead,
    LinkNetRelHead,
    PairFeatures,
    QueryObjects,
    SingleStageObjects,
    TwoStageObjects,
)
from mmsgg.models.relation_heads.linknet_rel_head import RelationalEmbedding
from mmsgg.structures import SGDataSample

from . import heads, layers, objects
from .layers import inside

#: Classes of which only the one behind has fixed shapes.
FIXED = {
    DeformableDETR: layers.FixedDeformableDETR,
    EGTRRelHead: heads.FixedEGTRRelHead,
    LinkNetRelHead: heads.FixedLinkNetRelHead,
    MultiScaleDeformableAttention: layers.FixedDeformableAttention,
    PairFeatures: heads.FixedPairFeatures,
    QueryObjects: objects.FixedQueryObjects,
    RelationalEmbedding: heads.FixedEmbedding,
    RoIAlign: layers.FixedRoIAlign,
    SingleRoIExtractor: layers.FixedRoIExtractor,
    SingleStageObjects: objects.FixedSingleStageObjects,
    TwoStageObjects: objects.FixedTwoStageObjects,
}


#: What comes out, in this order; rows that are empty have the score -1.
OUTPUTS = (
    'boxes',  # (N, 4) in pixels of the input
    'labels',  # (N,) int64
    'scores',  # (N,)
    'pairs',  # (K, 2) int64, rows of boxes
    'predicates',  # (K,) int64
    'triplet_scores',  # (K,) best first
    'predicate_scores',  # (K, P)
)


class ImageSize(tuple):
    """Height and width that only the program knows when it runs."""

    def __deepcopy__(self, memo: dict) -> 'ImageSize':
        """Return the same; mmengine copies all metainfo."""
        return self


class SceneGraphProgram(nn.Module):
    """From the pixels of an image to its scene graph, in fixed shapes.

    It works on the model itself, whose parts it replaces; take a copy.

    Args:
        model: A ``SceneGraphDetector``, for sgdet.
        max_relations: Relations K that come out.
        candidates: Boxes that NMS chooses from, of each level of a detector;
            the more, the slower. Sets ``nms_pre`` where that is more.

    Raises:
        ValueError: If a part of the model has no fixed shape.
    """

    def __init__(
        self, model: Any, max_relations: int = 100, candidates: int = 1000
    ) -> None:
        super().__init__()
        self.max_relations = max_relations
        self.model = model.eval().requires_grad_(False)
        for cfg in limit_candidates(model, candidates):
            cfg.min_bbox_size = -1  # of no area, boxes lose in the NMS
        check_parts(model)
        for part in [*model.modules(), model.object_source]:
            if type(part) in FIXED:
                part.__class__ = FIXED[type(part)]
        if isinstance(model.object_source, TwoStageObjects):
            model.object_source.candidates = candidates

    def forward(self, image: Tensor, size: Tensor) -> dict[str, Tensor]:
        """Predict the graph of an image.

        Args:
            image: (H, W, 3) uint8 RGB, the image in the upper left corner.
            size: (2,) int64 height and width of it, without the rest.

        Returns:
            ``OUTPUTS`` by name.
        """
        height, width = size.tolist()
        shape = tuple(image.shape[:2])
        for side, limit in zip((height, width), shape, strict=True):
            torch._check(side > 0)
            torch._check(side <= limit)
        sample = SGDataSample(
            metainfo=dict(
                img_shape=ImageSize((height, width)), batch_input_shape=shape
            )
        )
        [sample] = self.model.predict(
            self.normalise(image, (height, width)),
            [sample],
            rescale=False,
            task='sgdet',
            max_relations=self.max_relations,
        )
        nodes, edges = sample.pred_instances, sample.pred_relations
        values = (
            nodes.bboxes,
            nodes.labels,
            nodes.scores,
            edges.pairs,
            edges.labels,
            edges.scores,
            edges.predicate_scores,
        )
        return dict(zip(OUTPUTS, values, strict=True))

    def normalise(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Do (1, 3, H, W) what the model's data preprocessor does."""
        settings = self.model.data_preprocessor
        pixels = image.permute(2, 0, 1)[None].float()
        if not settings._channel_conversion:  # it wants BGR
            pixels = pixels.flip(1)
        pixels = (pixels - settings.mean) / settings.std
        there = inside(size, tuple(image.shape[:2]), pixels)
        return torch.where(there, pixels, float(settings.pad_value))


def limit_candidates(model: Any, candidates: int) -> list:
    """Set how many boxes of each level go into NMS, at most.

    Args:
        model: A ``SceneGraphDetector``.
        candidates: How many.

    Returns:
        The settings of the dense heads that have any.
    """
    heads = [
        getattr(model.detector, name, None)
        for name in ('bbox_head', 'rpn_head')
    ]
    settings = [getattr(head, 'test_cfg', None) for head in heads]
    settings = [cfg for cfg in settings if cfg and 'nms_pre' in cfg]
    for cfg in settings:
        cfg.nms_pre = min(cfg.nms_pre, candidates)
    return settings


def check_parts(model: Any) -> None:
    """Refuse what is left of data-dependent shapes, and what masks lack."""
    reasons = []
    for part in (model.object_source, model.relation_head):
        if type(part) not in FIXED:
            reasons.append(f'{type(part).__name__} has no fixed shapes')
    if model.relation_head.debiasing is not None:
        reasons.append('debiasing is not exported')
    selection = getattr(model.object_source, 'selection', {})
    unfit = {'max_per_class', 'proposal_order'} & set(selection)
    if unfit:
        reasons.append(f'object_source has {", ".join(sorted(unfit))}')
    if reasons:
        raise ValueError(
            f'this model cannot be exported: {"; ".join(reasons)}; what can '
            'be is LinkNet over RTMDet or Faster R-CNN, and EGTR over '
            'Deformable DETR'
        )
