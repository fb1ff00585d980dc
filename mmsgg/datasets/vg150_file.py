"""Read the three files of VG150 as they are, and say what is wrong in them."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from .json_file import compare_names, read_json

#: Images whose files are broken; the rows of the h5 file leave them out.
CORRUPTED_IDS = (1592, 1722, 4616, 4617)

#: Where the files come from, for whoever lacks one.
WHERE_FROM = (
    "the README lists the files of data_root under 'Train on Visual Genome'; "
    'put it there, or pass data_root=... of a folder that holds it'
)

_RANGE_KEYS = (
    'split',
    'img_to_first_box',
    'img_to_last_box',
    'img_to_first_rel',
    'img_to_last_rel',
)


def read_h5(path: str) -> tuple[dict[str, np.ndarray], int]:
    """Read the annotation file and close it.

    Args:
        path: ``VG-SGG.h5`` or a file of its layout; 1-D and (K, 1) arrays,
            whole and fractional boxes are all read.

    Returns:
        In the types of the file: ``split``,
        ``img_to_{first,last}_{box,rel}`` (N,); ``labels`` (B,) and
        ``predicates`` (R,), still 1-based; ``relationships`` (R, 2) box rows;
        ``boxes`` (B, 4) [centre x, centre y, width, height] where the longer
        side of the image is ``size``. And ``size``, 1024 or 512.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If it is not HDF5, or only a part of it.
        KeyError: If an array is missing.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'annotation file {path} not found; {WHERE_FROM}'
        )
    try:
        with h5py.File(path, 'r') as file:
            arrays = {
                key: _read_key(file, key).reshape(-1)
                for key in (*_RANGE_KEYS, 'labels', 'predicates')
            }
            pairs = _read_key(file, 'relationships').reshape(-1, 2)
            # prefer the finer of the two; derived files may have but one
            coarse = 'boxes_512' in file and 'boxes_1024' not in file
            size = 512 if coarse else 1024
            boxes = _read_key(file, f'boxes_{size}').reshape(-1, 4)
    except OSError as error:
        raise OSError(
            f'{path} does not open as HDF5 ({error}); it is probably an '
            'incomplete download: compare its size and fetch it again'
        ) from error
    arrays |= {'relationships': pairs, 'boxes': boxes}
    _check_lengths(path, arrays)
    return arrays, size


def _read_key(file: h5py.File, key: str) -> np.ndarray:
    if key not in file:
        raise KeyError(
            f'{file.filename} has no {key!r}, only {sorted(file)}; pass '
            'ann_file=... of a file in the layout of VG-SGG.h5'
        )
    return file[key][...]


def _check_lengths(path: str, arrays: dict[str, np.ndarray]) -> None:
    """Hold arrays that describe the same rows against each other."""
    for keys in (
        _RANGE_KEYS,
        ('labels', 'boxes'),
        ('predicates', 'relationships'),
    ):
        lengths = {key: len(arrays[key]) for key in keys}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f'{path}: these arrays must have the same number of rows, '
                f'but have {lengths}; write the file again'
            )


def read_image_data(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read ids and sizes of the images, without the corrupted ones.

    Args:
        path: ``image_data.json``, a list of objects with ``image_id``,
            ``height`` and ``width``.

    Returns:
        (N,) ids, integers or strings as in the file; (N,) int64 heights;
        (N,) int64 widths.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON or an image lacks something.
    """
    images = read_json(path, 'image data file', WHERE_FROM)
    columns = []
    for key in ('image_id', 'height', 'width'):
        try:
            columns.append(np.array([image[key] for image in images]))
        except (KeyError, TypeError) as error:
            row = next(i for i, image in enumerate(images) if key not in image)
            raise ValueError(
                f'{path}: image number {row} has no {key!r}; pass '
                'image_data_file=... of a file in the layout of '
                'image_data.json'
            ) from error
    ids, heights, widths = columns
    corrupted = np.array(CORRUPTED_IDS)
    if ids.dtype.kind not in 'iu':
        corrupted = corrupted.astype(str)
    keep = ~np.isin(ids, corrupted)
    return (
        ids[keep],
        heights[keep].astype(np.int64),
        widths[keep].astype(np.int64),
    )


def check_vocabulary(
    path: str, classes: Sequence[str], predicates: Sequence[str]
) -> None:
    """Make sure that the file numbers the names as the data set does.

    Args:
        path: ``VG-SGG-dicts.json`` with 1-based ``label_to_idx`` and
            ``predicate_to_idx``.
        classes: The names expected, in order.
        predicates: The names expected, in order.

    Raises:
        FileNotFoundError: If there is no such file.
        KeyError: If one of the two dictionaries is missing.
        ValueError: If a name differs.
    """
    vocabulary = read_json(path, 'vocabulary file', WHERE_FROM)
    for key, field, expected in (
        ('label_to_idx', 'classes', classes),
        ('predicate_to_idx', 'predicates', predicates),
    ):
        if key not in vocabulary:
            raise KeyError(
                f'{path} has no {key!r}; pass vocabulary_file=... of a file '
                'in the layout of VG-SGG-dicts.json'
            )
        names = {int(idx): name for name, idx in vocabulary[key].items()}
        compare_names(f'{path}: {key}', names, expected, field, first=1)
