"""Load the masks of panoptic scene graphs."""

from typing import Any

import numpy as np
from mmdet.structures.mask import BitmapMasks
from mmengine import fileio

from mmsgg.registry import TRANSFORMS

from .loading import (
    BrokenImageError,
    LoadRelationAnnotations,
    MissingImageError,
    decode_image,
)


@TRANSFORMS.register_module()
class LoadPanopticRelations(LoadRelationAnnotations):
    """Load relations, boxes, labels and a mask of each instance.

    Required beside what :class:`LoadRelationAnnotations` needs:
    ``seg_map_path``, an image whose pixels are ids of segments, R + 256 G +
    65536 B, and the ``segment_id`` of each instance. Added: ``gt_masks``,
    mmdet's ``BitmapMasks`` (N, H, W), which ``PackSGInputs`` packs as
    ``gt_instances.masks``. Where this comes after Resize, as in tests, masks
    are in original-image pixels, as the boxes are.

    Args:
        **kwargs: Of :class:`mmdet.datasets.transforms.LoadAnnotations`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(with_mask=True, **kwargs)

    def _load_masks(self, results: dict) -> None:
        """Set ``gt_masks``.

        Args:
            results: The item.

        Raises:
            MissingImageError: If the image of segments is not there.
            ValueError: If it is of another size, or a segment has no pixel.
        """
        ids = _segment_ids(results['seg_map_path'], self.backend_args)
        height, width = results['height'], results['width']
        if ids.shape != (height, width):
            raise ValueError(
                f'{results["seg_map_path"]} has {ids.shape[1]} x '
                f'{ids.shape[0]} pixels, where the annotation says {width} x '
                f'{height}; fetch the masks that belong to it'
            )
        wanted = np.array(
            [instance['segment_id'] for instance in results['instances']],
            dtype=ids.dtype,
        )
        lost = wanted[~np.isin(wanted, ids)]
        if len(lost):
            raise ValueError(
                f'{results["seg_map_path"]} has no pixel of segment '
                f'{lost[0]}; fetch the masks that belong to the annotation'
            )
        masks = (ids == wanted[:, None, None]).astype(np.uint8)
        results['gt_masks'] = BitmapMasks(masks, height, width)


def _segment_ids(path: str, backend_args: dict | None) -> np.ndarray:
    """Read the segment (H, W) int32 of every pixel."""
    try:
        data = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise MissingImageError(
            f'there is no image of segments {path}; unpack the panoptic '
            'annotation of COCO there, or pass data_prefix=dict(seg=...)'
        ) from error
    try:
        image = decode_image(data, flag='color', channel_order='rgb')
    except ValueError as error:
        raise BrokenImageError(
            f'{path} does not decode as an image ({error}); fetch it again'
        ) from error
    red, green, blue = np.moveaxis(image.astype(np.int32), -1, 0)
    return red + (green << 8) + (blue << 16)
