"""Masks of objects, as pycocotools' run-length codes (RLE)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pycocotools import mask as coco_mask

Masks = list[dict[str, Any]]
"""One ``{'size': [height, width], 'counts': bytes}`` an object."""


def encode_masks(masks: Any) -> Masks:
    """Run-length codes of masks in any of the forms that are about.

    Args:
        masks: (N, H, W) array or tensor, true or above 0 within an object;
            mmdet's ``BitmapMasks`` or ``PolygonMasks``; a list of run-length
            codes, compressed or not; or what :func:`pack_masks` made.

    Returns:
        N codes.

    Examples:
        >>> import numpy as np
        >>> [code] = encode_masks(np.eye(3, dtype=bool)[None])
        >>> code['size'], int(coco_mask.area(code))
        ([3, 3], 3)
        >>> encode_masks([code]) == [code]
        True
    """
    if isinstance(masks, Mapping):
        return _unpacked(masks)
    if hasattr(masks, 'to_ndarray'):
        masks = masks.to_ndarray()
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    if isinstance(masks, np.ndarray) and masks.dtype != object:
        if len(masks) == 0:
            return []
        pixels = np.ascontiguousarray(masks > 0).view(np.uint8)
        return coco_mask.encode(np.asfortranarray(pixels.transpose(1, 2, 0)))
    return [_compressed(code) for code in masks]


def mask_ious(masks: Masks, others: Masks) -> np.ndarray:
    """Intersection over union of each mask with each other mask.

    Args:
        masks: n codes of :func:`encode_masks`.
        others: m codes of the same image.

    Returns:
        (n, m) float64 in [0, 1]; 0 where both are empty.

    Raises:
        ValueError: Where they are of images of different sizes.

    Examples:
        >>> import numpy as np
        >>> halves = np.zeros((2, 4, 4), dtype=bool)
        >>> halves[0, :2], halves[1, :, :2] = True, True
        >>> codes = encode_masks(halves)
        >>> mask_ious(codes, codes[:1])
        array([[1.        ],
               [0.33333333]])
    """
    sizes = {tuple(code['size']) for code in (*masks, *others)}
    if len(sizes) > 1:
        raise ValueError(
            f'the masks of an image have different sizes (height, width): '
            f'{sorted(sizes)}'
        )
    if not masks or not others:
        return np.zeros((len(masks), len(others)))
    return np.asarray(coco_mask.iou(masks, others, [0] * len(others)))


def union_masks(masks: Masks, pairs: np.ndarray) -> Masks:
    """What belongs to one or both objects of each pair.

    Args:
        masks: Codes of :func:`encode_masks`.
        pairs: (K, 2) rows of the masks.

    Returns:
        K codes.

    Examples:
        >>> import numpy as np
        >>> codes = encode_masks(np.eye(3, dtype=bool)[:, None])
        >>> coco_mask.decode(union_masks(codes, np.array([[0, 2]])))[:, :, 0]
        array([[1, 0, 1]], dtype=uint8)
    """
    return [coco_mask.merge([masks[s], masks[o]]) for s, o in pairs.tolist()]


def subtract_masks(mask: dict[str, Any], others: Masks) -> dict[str, Any]:
    """What belongs to a mask and to none of others.

    Args:
        mask: A code of :func:`encode_masks`.
        others: Codes of the same image.

    Returns:
        A code.

    Examples:
        >>> import numpy as np
        >>> ones, [other] = np.ones((1, 1, 3)), np.eye(3)[None, 1:2]
        >>> codes = encode_masks(np.concatenate([ones, other[None]]))
        >>> coco_mask.decode(subtract_masks(codes[0], codes[1:]))
        array([[1, 0, 1]], dtype=uint8)
    """
    if not others:
        return mask
    free = _complement(coco_mask.merge(others))
    return coco_mask.merge([mask, free], intersect=True)


def decode_masks(masks: Masks) -> np.ndarray:
    """Pixels (N, H, W) bool of codes of one image."""
    return coco_mask.decode(masks).transpose(2, 0, 1).astype(bool)


def pack_masks(masks: Masks) -> dict[str, np.ndarray]:
    """Codes as three arrays, which a result file can hold.

    Args:
        masks: N codes of :func:`encode_masks`.

    Returns:
        ``mask_codes`` (B,) uint8, all codes one behind the other;
        ``mask_lengths`` (N,) int64; ``mask_sizes`` (N, 2) int64.

    Examples:
        >>> import numpy as np
        >>> codes = encode_masks(np.eye(3, dtype=bool)[:, None])
        >>> encode_masks(pack_masks(codes)) == codes
        True
    """
    counts = [code['counts'] for code in masks]
    return dict(
        mask_codes=np.frombuffer(b''.join(counts), dtype=np.uint8),
        mask_lengths=np.array([len(c) for c in counts], dtype=np.int64),
        mask_sizes=np.array(
            [code['size'] for code in masks], dtype=np.int64
        ).reshape(-1, 2),
    )


def masks_of(instances: Mapping[str, Any]) -> Any:
    """The masks of instances, also packed ones; None where there are none.

    Args:
        instances: Fields of objects, such as ``gt_instances``.

    Returns:
        Something that :func:`encode_masks` takes.
    """
    if 'mask_lengths' in instances:
        names = ('mask_codes', 'mask_lengths', 'mask_sizes')
        return {name: instances[name] for name in names}
    return instances.get('masks')


def _unpacked(packed: Mapping[str, np.ndarray]) -> Masks:
    """The codes that :func:`pack_masks` packed."""
    text = np.asarray(packed['mask_codes']).tobytes()
    ends = np.cumsum(packed['mask_lengths']).tolist()
    sizes = np.asarray(packed['mask_sizes']).reshape(-1, 2).tolist()
    return [
        dict(size=size, counts=text[start:end])
        for start, end, size in zip([0, *ends], ends, sizes, strict=False)
    ]


def _compressed(code: Mapping[str, Any]) -> dict[str, Any]:
    """A code whose counts are bytes."""
    counts, size = code['counts'], list(code['size'])
    if isinstance(counts, str):
        counts = counts.encode()
    if isinstance(counts, Sequence) and not isinstance(counts, bytes):
        return coco_mask.frPyObjects(dict(code), *size)
    return dict(size=size, counts=counts)


def _complement(code: dict[str, Any]) -> dict[str, Any]:
    """All other pixels of the image, without decoding any.

    The counts are lengths of runs of 0 and 1 in turn, 0 first. From the
    fourth on each is written less the count two before it, so that a run of
    length 0 more or less at the start changes the first ones alone.
    """
    text = code['counts']
    ends, last = _first_numbers(text)
    if text[:1] == b'0':  # starts with a pixel of the object
        if len(ends) == 4:
            text = (
                text[: ends[2]] + _written(last[3] + last[1]) + text[ends[3] :]
            )
        counts = text[1:]
    else:
        if len(ends) > 2:
            text = (
                text[: ends[1]] + _written(last[2] - last[0]) + text[ends[2] :]
            )
        counts = b'0' + text
    return dict(code, counts=counts)


def _first_numbers(text: bytes) -> tuple[list[int], list[int]]:
    """Where the first four numbers of a code end, and what they are."""
    ends, numbers, number, shift = [], [], 0, 0
    for end, letter in enumerate(text, start=1):
        bits = letter - 48
        number |= (bits & 31) << shift  # five bits a letter, the lowest first
        shift += 5
        if bits & 32:  # more to come
            continue
        ends.append(end)
        numbers.append(number - ((bits & 16) << (shift - 4)))  # the sign
        if len(ends) == 4:
            break
        number = shift = 0
    return ends, numbers


def _written(number: int) -> bytes:
    """A number as a code has it."""
    letters = []
    more = True
    while more:
        bits = number & 31
        number >>= 5
        more = number != (-1 if bits & 16 else 0)
        letters.append(48 + bits + 32 * more)
    return bytes(letters)
