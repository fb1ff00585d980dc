"""Parts of a model without shapes that depend on the data."""

from typing import Any

import torch
import torch.nn.functional as F
from mmcv.ops import MultiScaleDeformableAttention, RoIAlign
from mmcv.ops.multi_scale_deform_attn import (
    multi_scale_deformable_attn_pytorch,
)
from mmcv.ops.roi_align import roi_align
from mmdet.models.detectors import DeformableDETR
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor


@torch.library.custom_op('mmsgg::roi_align', mutates_args=())
def roi_align_op(
    x: Tensor,
    rois: Tensor,
    size: int,
    scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Pool (K, C, size, size) by mmcv's RoIAlign; ONNX has its own."""
    return roi_align(x, rois, size, scale, sampling_ratio, 'avg', aligned)


@roi_align_op.register_fake
def _(x: Tensor, rois: Tensor, size: int, *_: Any) -> Tensor:
    return x.new_empty(len(rois), x.shape[1], size, size)


class FixedRoIAlign(RoIAlign):
    """RoIAlign that a tracer sees as one operation."""

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """See the base class."""
        return roi_align_op(
            input,
            rois,
            self.output_size[0],
            self.spatial_scale,
            self.sampling_ratio,
            self.aligned,
        )


class FixedRoIExtractor(SingleRoIExtractor):
    """Pools every RoI on every level; on all but its own, an empty one."""

    def forward(
        self,
        feats: tuple[Tensor, ...],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """See the base class."""
        levels = self.map_roi_levels(rois, len(feats))
        pooled = []
        for i, (layer, level) in enumerate(
            zip(self.roi_layers, feats, strict=True)
        ):
            here = (levels == i)[:, None].to(rois.dtype)
            pooled.append(layer(level, rois * here) * here[..., None, None])
        return torch.stack(pooled).sum(dim=0)


class FixedDeformableAttention(MultiScaleDeformableAttention):
    """Deformable attention over maps whose sizes are known, as numbers."""

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        identity: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        reference_points: Tensor | None = None,
        spatial_shapes: list[tuple[int, int]] | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """See the base class; ``spatial_shapes`` are numbers."""
        value = self.value_proj(query if value is None else value)
        identity = query if identity is None else identity
        if query_pos is not None:
            query = query + query_pos
        value = value.masked_fill(key_padding_mask[..., None], 0.0)
        value = value.unflatten(2, (self.num_heads, -1))
        cells = self.num_heads, self.num_levels, self.num_points
        offsets = self.sampling_offsets(query).unflatten(2, (*cells, 2))
        weights = self.attention_weights(query).unflatten(2, (cells[0], -1))
        weights = weights.softmax(-1).unflatten(3, cells[1:])
        points = reference_points[:, :, None, :, None]
        if points.shape[-1] == 2:
            sizes = query.new_tensor([size[::-1] for size in spatial_shapes])
            points = points + offsets / sizes[:, None]
        else:
            offsets = offsets / self.num_points * points[..., 2:] * 0.5
            points = points[..., :2] + offsets
        attended = multi_scale_deformable_attn_pytorch(
            value, spatial_shapes, points, weights
        )
        return self.output_proj(attended) + identity


class FixedDeformableDETR(DeformableDETR):
    """Deformable DETR on one image, padded to a fixed size."""

    def pre_transformer(
        self, mlvl_feats: tuple[Tensor, ...], batch_data_samples: list
    ) -> tuple[dict, dict]:
        """See the base class; the padding is always masked."""
        sample, first = batch_data_samples[0], mlvl_feats[0]
        padded = ~inside(sample.img_shape, sample.batch_input_shape, first)
        sizes = [level.shape[-2:] for level in mlvl_feats]
        masks = [
            F.interpolate(padded[None, None].float(), size)[0].bool()
            for size in sizes
        ]
        positions = [self.positional_encoding(mask) for mask in masks]
        shared = dict(
            spatial_shapes=[tuple(size) for size in sizes],
            level_start_index=None,
            valid_ratios=torch.stack(
                [self.get_valid_ratio(mask) for mask in masks], dim=1
            ),
        )
        mask = torch.cat([mask.flatten(1) for mask in masks], dim=1)
        encoder = dict(
            feat=sequence(mlvl_feats),
            feat_mask=mask,
            feat_pos=sequence(
                [
                    position + level[:, None, None]
                    for position, level in zip(
                        positions, self.level_embed, strict=True
                    )
                ]
            ),
        )
        return encoder | shared, dict(memory_mask=mask, **shared)


def sequence(maps: Any) -> Tensor:
    """Lay (B, d, H, W) maps out as one sequence (B, sum H * W, d)."""
    return torch.cat([level.flatten(2) for level in maps], 2).transpose(1, 2)


def inside(size: Any, shape: tuple[int, int], like: Tensor) -> Tensor:
    """Say (H, W) which pixels are not padding.

    Args:
        size: Height and width of the image.
        shape: H and W with the padding.
        like: On the device to use.
    """
    rows = torch.arange(shape[0], device=like.device) < size[0]
    columns = torch.arange(shape[1], device=like.device) < size[1]
    return rows[:, None] & columns
