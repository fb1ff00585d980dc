"""A region proposal network that bounds the proposals of each level."""

from typing import Any

from mmdet.models.dense_heads import RPNHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

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
