"""mmdet's COCO metric on data sets of scene graphs."""

from collections.abc import Sequence
from typing import Any

import mmdet.evaluation

from mmsgg.registry import METRICS


@METRICS.register_module()
class CocoMetric(mmdet.evaluation.CocoMetric):
    """mmdet's metric, which here takes the annotation from the samples.

    So it needs no file of its own, whose categories might come in another
    order than the classes of the data set.

    Args:
        **kwargs: Of :class:`mmdet.evaluation.CocoMetric`, without
            ``ann_file``.

    Raises:
        ValueError: If there is an ``ann_file``.
    """

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get('ann_file') is not None:
            raise ValueError(
                'CocoMetric of mmsgg takes the annotation from the data set; '
                f'leave out ann_file={kwargs["ann_file"]!r}, or write '
                "type='mmdet.CocoMetric'"
            )
        super().__init__(**kwargs)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep annotation and detections of a batch.

        Args:
            data_batch: Not used.
            data_samples: With ``gt_instances``, ``ignored_instances`` where
                there are any, and ``pred_instances``, all in original-image
                pixels; ``img_id`` and ``ori_shape``.
        """
        samples = [
            sample
            | dict(
                instances=[
                    *_instances(sample.get('ignored_instances'), 1),
                    *_instances(sample['gt_instances'], 0),
                ]
            )
            for sample in data_samples
        ]
        super().process(data_batch, samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the scores; images of one id stay apart.

        pycocotools takes images of one id for one image, and fails on ids
        of which some are numbers and some words; joined data sets have such.

        Args:
            results: Annotation and detections of each image.

        Returns:
            A number for each score.
        """
        ids = [truth['img_id'] for truth, _ in results]
        if len({*ids}) < len(ids) or len({*map(type, ids)}) > 1:
            results = [
                tuple(part | dict(img_id=number) for part in parts)
                for number, parts in enumerate(results)
            ]
        return super().compute_metrics(results)


def _instances(boxes: dict | None, ignore_flag: int) -> list[dict]:
    """List boxes as mmdet's data sets do."""
    if not boxes:
        return []
    return [
        dict(bbox=bbox, bbox_label=label, ignore_flag=ignore_flag)
        for bbox, label in zip(
            boxes['bboxes'].tolist(), boxes['labels'].tolist(), strict=True
        )
    ]
