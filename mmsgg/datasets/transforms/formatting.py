"""Pack an item into what a scene graph detector takes."""

from collections.abc import Sequence

import numpy as np
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmsgg.registry import TRANSFORMS
from mmsgg.structures import SGDataSample


@TRANSFORMS.register_module()
class PackSGInputs(PackDetInputs):
    """Pack the image and an :class:`SGDataSample`.

    ``gt_instances`` is mmdet's; ``gt_relations`` is set where
    :class:`LoadRelationAnnotations` ran, with as many rows as there are
    relations, none included. Instances with an ignore flag leave
    ``gt_instances``, and the relations they take part in leave with them.

    Args:
        meta_keys: What the sample remembers of the item, where present
            (``scale_factor`` exists after a Resize only).
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
        ),
    ) -> None:
        super().__init__(meta_keys=meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack one item.

        Args:
            results: The item.

        Returns:
            ``inputs`` (3, H, W) where an image was loaded, and
            ``data_samples``.

        Raises:
            RuntimeError: If instances were dropped or reordered after the
                relations were loaded.
        """
        packed = super().transform(results)
        sample = _as_sg_data_sample(packed['data_samples'])
        if 'proposals_labels' in results:
            labels = torch.from_numpy(results['proposals_labels'])
            sample.proposals.labels = labels
        if 'gt_relation_pairs' in results:
            _check_instances(results)
            sample.gt_relations = _pack_relations(results)
        packed['data_samples'] = sample
        return packed


def _as_sg_data_sample(sample: DetDataSample) -> SGDataSample:
    """Hand the fields of mmdet's sample over to ours."""
    ours = SGDataSample(metainfo=sample.metainfo)
    for name, field in sample.items():
        ours.set_field(field, name)
    return ours


def _check_instances(results: dict) -> None:
    """Make sure that the pairs still point at the boxes they were made for.

    Classes tell: boxes are meant to change on their way (Resize, flips).
    """
    expected = results['gt_relation_classes']
    labels = results.get('gt_bboxes_labels', expected)
    if not np.array_equal(labels, expected):
        raise RuntimeError(
            f'image {results.get("img_id")} had {len(expected)} instances '
            f'when its relations were loaded and has {len(labels)} or others '
            'now: relations would point at wrong boxes. Remove the transform '
            'between LoadRelationAnnotations and PackSGInputs that drops or '
            'reorders instances (FilterAnnotations, RandomCrop, '
            'MinIoURandomCrop, Mosaic, MixUp, ...)'
        )


def _pack_relations(results: dict) -> InstanceData:
    """Pack the relations between the instances that are not ignored."""
    pairs = results['gt_relation_pairs']
    labels = results['gt_relation_labels']
    ignored = results.get('gt_ignore_flags')
    if ignored is not None and ignored.any():
        new_rows = np.cumsum(~ignored) - 1
        keep = ~ignored[pairs].any(axis=1)
        pairs, labels = new_rows[pairs[keep]], labels[keep]
    return InstanceData(
        pairs=torch.from_numpy(pairs), labels=torch.from_numpy(labels)
    )
