"""Region proposal networks of other code bases."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmdet.models.dense_heads import RPNHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.registry import MODELS


@MODELS.register_module()
class LevelwiseRPNHead(RPNHead):
    """mmdet's RPN head with NMS, and a bound, for each level by itself.

    maskrcnn-benchmark and Scene-Graph-Benchmark keep the ``nms_post`` best
    of each level, then the ``max_per_img`` best of all. mmdet keeps the best
    of all at once, and moves the levels thousands of pixels apart for its
    NMS, which costs digits of the IoU.
    """

    def _bbox_post_process(
        self,
        results: InstanceData,
        cfg: ConfigDict,
        rescale: bool = False,
        with_nms: bool = True,
        img_meta: dict | None = None,
    ) -> InstanceData:
        """Select the proposals of one image; see mmdet's class.

        Args:
            results: ``bboxes`` (n, 4), ``scores`` (n,) and ``level_ids``
                (n,).
            cfg: With ``nms_post`` beside what mmdet reads.
            rescale: Whether to return original-image pixels.
            with_nms: True.
            img_meta: With ``scale_factor``, for ``rescale``.
        """
        rest: Any = (rescale, with_nms, img_meta)
        bound = ConfigDict(cfg, max_per_img=cfg.nms_post)
        levels = []
        for level_id in results.level_ids.unique():
            level = results[results.level_ids == level_id]
            level.level_ids = level.level_ids * 0  # stay where they are
            levels.append(super()._bbox_post_process(level, bound, *rest))
        if not levels:
            return super()._bbox_post_process(results, cfg, *rest)
        proposals = InstanceData.cat(levels)
        order = proposals.scores.argsort(descending=True, stable=True)
        return proposals[order[: cfg.max_per_img]]


@MODELS.register_module()
class MotifsRPNHead(RPNHead):
    """mmdet's RPN head with ReLU6, which ranks unfit proposals last.

    Unfit is what starts from a cell beyond the whole cells of the image (the
    map is that of its square padding), and what is smaller than 4 pixels once
    it is clipped to the image. These proposals fill up the list where there
    are too few others.
    """

    min_size = 4  # input-image pixels, counted inclusively

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score and refine the A anchors of each cell of a map.

        Args:
            x: (B, channels, H, W).

        Returns:
            Objectness logits (B, A, H, W) and box deltas (B, 4 A, H, W).
        """
        x = F.relu6(self.rpn_conv(x))
        return self.rpn_cls(x), self.rpn_reg(x)

    def _predict_by_feat_single(
        self,
        cls_score_list: list[Tensor],
        bbox_pred_list: list[Tensor],
        score_factor_list: list[Tensor],
        mlvl_priors: list[Tensor],
        img_meta: dict,
        *args: Any,
        **kwargs: Any,
    ) -> InstanceData:
        """Rank the proposals of one image; see mmdet's class."""
        cls_score_list = [
            scores.masked_fill(
                self._unfit(deltas, priors, stride, img_meta['img_shape']),
                -float('inf'),
            )
            for scores, deltas, priors, stride in zip(
                cls_score_list,
                bbox_pred_list,
                mlvl_priors,
                self.prior_generator.strides,
                strict=True,
            )
        ]
        return super()._predict_by_feat_single(
            cls_score_list,
            bbox_pred_list,
            score_factor_list,
            mlvl_priors,
            img_meta,
            *args,
            **kwargs,
        )

    def _unfit(
        self,
        deltas: Tensor,
        priors: Tensor,
        stride: tuple[int, int],
        img_shape: Sequence[int],
    ) -> Tensor:
        """Say which proposals of one level are unfit.

        Args:
            deltas: (4 A, H, W).
            priors: (H W A, 4) anchors, input-image pixels.
            stride: Width and height of a cell, input-image pixels.
            img_shape: Height and width of the image without its padding.

        Returns:
            (A, H, W) bool.
        """
        boxes = self.bbox_coder.decode(
            priors,
            deltas.permute(1, 2, 0).reshape(-1, 4),
            max_shape=img_shape,
        )
        sizes = boxes[:, 2:] - boxes[:, :2] + 1
        unfit = (sizes < self.min_size).any(dim=1)
        unfit = unfit.reshape(*deltas.shape[1:], -1)  # H, W, A
        unfit[img_shape[0] // stride[1] :] = True
        unfit[:, img_shape[1] // stride[0] :] = True
        return unfit.permute(2, 0, 1)
