"""The three files of VG150: read them as they are, and write them.

Labels are 1-based in the files: writing adds the 1 that
:class:`~mmsgg.datasets.VG150Dataset` takes away.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from .json_file import compare_names, read_json, whole_numbers
from .scene_graph_arrays import SceneGraphArrays

#: Images whose files are broken: image_data.json of Visual Genome lists them,
#: its h5 file does not.
CORRUPTED_IDS = (1592, 1722, 4616, 4617)

#: Where the files come from, for whoever lacks one.
WHERE_FROM = (
    "the README lists the files of data_root under 'Train on Visual Genome'; "
    'put it there, or pass data_root=... of a folder that holds it'
)

#: How the h5 file numbers the splits. 'val' is the first of the training
#: images, so it comes first here.
SPLIT_NUMBERS = {'val': 0, 'train': 0, 'test': 2}
#: The number of validation images in the files that set them apart.
OWN_VAL = 1

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
        ``predicates`` (R,), still 1-based; ``relationships`` (R, 2) indices
        of boxes; ``boxes`` (B, 4) [centre x, centre y, width, height] where
        the longer side of the image is ``size``. And ``size``, 1024 or 512.

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
            arrays: dict[str, np.ndarray] = {
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
    for key in arrays.keys() - {'boxes'}:
        # floats would be cut off where they are used as numbers of rows
        if arrays[key].dtype.kind not in 'iu':
            arrays[key] = _whole(path, key, arrays[key])
    return arrays, size


def _whole(path: str, key: str, array: np.ndarray) -> np.ndarray:
    try:
        return whole_numbers(array)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: in {key}, {error}; write the file again'
        ) from error


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


def read_image_data(
    path: str, num_rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read ids and sizes of the images that an h5 file has rows for.

    Args:
        path: ``image_data.json``, a list of objects with ``image_id``,
            ``height`` and ``width``, whole numbers of pixels.
        num_rows: How many images the h5 file has. Where the list is longer,
            the corrupted images of Visual Genome are left out of it.

    Returns:
        (N,) ids, integers or strings as in the file; (N,) int64 heights;
        (N,) int64 widths.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON or an image lacks something.
    """
    images = read_json(path, 'image data file', WHERE_FROM)
    ids, heights, widths = (
        _column(path, images, key) for key in ('image_id', 'height', 'width')
    )
    if len(ids) != num_rows:
        corrupted = np.array(CORRUPTED_IDS)
        if ids.dtype.kind not in 'iu':
            corrupted = corrupted.astype(str)
        keep = np.isin(ids, corrupted, invert=True)
        ids, heights, widths = ids[keep], heights[keep], widths[keep]
    return ids, heights, widths


def _column(path: str, images: list, key: str) -> np.ndarray:
    """List what ``image_data.json`` says of each image (N,)."""
    try:
        values = np.array([image[key] for image in images])
    except (KeyError, TypeError) as error:
        index = next(
            i
            for i, image in enumerate(images)
            if not isinstance(image, dict) or key not in image
        )
        raise ValueError(
            f'{path}: image number {index} has no {key!r}; pass '
            'image_data_file=... of a file in the layout of image_data.json'
        ) from error
    if values.dtype.kind == 'U' and key == 'image_id':
        return values
    try:
        return whole_numbers(values)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: among the {key}s of its images, {error}; correct it'
        ) from error


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
    numbered = _read_vocabulary(path)
    for key, field, expected in (
        ('label_to_idx', 'classes', classes),
        ('predicate_to_idx', 'predicates', predicates),
    ):
        names = numbered[key]
        compare_names(f'{path}: {key}', names, expected, field, first=1)


def read_names(path: str) -> dict[str, tuple[str, ...]]:
    """List the names of ``VG-SGG-dicts.json`` in the order of their numbers.

    Args:
        path: As in :func:`check_vocabulary`.

    Returns:
        ``classes`` and ``predicates``.

    Raises:
        FileNotFoundError: If there is no such file.
        KeyError: If one of the two dictionaries is missing.
        ValueError: If they do not count from 1 without a gap.
    """
    names = {}
    for field, (key, numbered) in zip(
        ('classes', 'predicates'), _read_vocabulary(path).items(), strict=True
    ):
        if sorted(numbered) != [*range(1, len(numbered) + 1)]:
            raise ValueError(
                f'{path}: {key} must number its names 1, 2, 3 and so on; '
                'correct it, or pass metainfo=dict(classes=[...], '
                'predicates=[...]) to VG150Dataset'
            )
        names[field] = tuple(numbered[k] for k in sorted(numbered))
    return names


def _read_vocabulary(path: str) -> dict[str, dict[int, str]]:
    """Read the names by their numbers, under both keys of the file."""
    vocabulary = read_json(path, 'vocabulary file', WHERE_FROM)
    numbered = {}
    for key in ('label_to_idx', 'predicate_to_idx'):
        if key not in vocabulary:
            raise KeyError(
                f'{path} has no {key!r}; pass vocabulary_file=... of a file '
                'in the layout of VG-SGG-dicts.json'
            )
        numbered[key] = {int(k): name for name, k in vocabulary[key].items()}
    return numbered


def write_vg150(
    folder: str | Path,
    splits: Mapping[str, SceneGraphArrays],
    classes: Sequence[str],
    predicates: Sequence[str],
) -> int:
    """Write ``VG-SGG.h5``, ``image_data.json`` and ``VG-SGG-dicts.json``.

    Boxes are written with their fractions, so that nothing is rounded, and as
    ``boxes_1024`` only.

    Args:
        folder: Made if it is not there.
        splits: The graphs of 'train', 'val' and 'test', or of some of them;
            images are called ``<img_id>.jpg``.
        classes: Names in the order of the labels.
        predicates: Likewise.

    Returns:
        The ``num_val`` to read the validation images with. The reader counts
        images with boxes only.

    Raises:
        ValueError: If two images have the same id.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in SPLIT_NUMBERS if name in splits]
    graphs = SceneGraphArrays.concatenate([splits[name] for name in names])
    _check_ids(graphs.img_ids.tolist())
    split_numbers = np.repeat(
        [SPLIT_NUMBERS[name] for name in names],
        [len(splits[name]) for name in names],
    )
    boxes = {'boxes_1024': _relative_boxes(graphs) * 1024}
    _write_h5(folder / 'VG-SGG.h5', graphs, split_numbers, boxes)
    _write_json(folder / 'image_data.json', _image_entries(graphs))
    vocabulary = {
        'label_to_idx': _number_names(classes),
        'predicate_to_idx': _number_names(predicates),
    }
    _write_json(folder / 'VG-SGG-dicts.json', vocabulary)
    return int((splits['val'].box_counts > 0).sum()) if 'val' in splits else 0


def write_like_original(
    folder: str | Path,
    graphs: SceneGraphArrays,
    split_numbers: np.ndarray,
    classes: Sequence[str],
    predicates: Sequence[str],
) -> None:
    """Write the three files with all that the published ones have.

    That is: whole boxes in two sizes, the four corrupted images in
    ``image_data.json``, and counts of names and the inverse mappings in
    ``VG-SGG-dicts.json``.

    Args:
        folder: Made if it is not there.
        graphs: All images, splits mixed.
        split_numbers: (N,) of ``SPLIT_NUMBERS``, for each image.
        classes: Names in the order of the labels.
        predicates: Likewise.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    relative = _relative_boxes(graphs)
    boxes = {
        f'boxes_{size}': np.rint(relative * size).astype(np.int32)
        for size in (1024, 512)
    }
    _write_h5(folder / 'VG-SGG.h5', graphs, split_numbers, boxes)
    unused: dict[str, object] = dict(url='', coco_id=None, flickr_id=None)
    images = [entry | unused for entry in _image_entries(graphs)]
    for place, image_id in enumerate(CORRUPTED_IDS):
        entry = dict(image_id=image_id, width=640, height=480)
        images.insert(2 * place, entry | unused)
    _write_json(folder / 'image_data.json', images)
    vocabulary: dict[str, Mapping[str, object]] = {
        'object_count': _count_names(classes, graphs.labels),
        'predicate_count': _count_names(predicates, graphs.predicates),
    }
    for key, inverse, names in (
        ('label_to_idx', 'idx_to_label', classes),
        ('predicate_to_idx', 'idx_to_predicate', predicates),
    ):
        numbers = _number_names(names)
        vocabulary[key] = numbers
        vocabulary[inverse] = {str(i): name for name, i in numbers.items()}
    _write_json(folder / 'VG-SGG-dicts.json', vocabulary)


def _write_h5(
    path: Path,
    graphs: SceneGraphArrays,
    split_numbers: np.ndarray,
    boxes: Mapping[str, np.ndarray],
) -> None:
    """Write everything but the boxes, which come as they are."""
    with h5py.File(path, 'w') as file:
        file['split'] = split_numbers.astype(np.int32)
        for name, starts in (
            ('box', graphs.box_starts),
            ('rel', graphs.relation_starts),
        ):
            some = np.diff(starts) > 0
            for end, indices in (
                ('first', starts[:-1]),
                ('last', starts[1:] - 1),
            ):
                indices = np.where(some, indices, -1)
                file[f'img_to_{end}_{name}'] = indices.astype(np.int32)
        for key, array in boxes.items():
            file[key] = array
        file['labels'] = graphs.labels[:, None] + 1
        file['predicates'] = graphs.predicates[:, None] + 1
        file['relationships'] = graphs.global_pairs().astype(np.int32)
        file['active_object_mask'] = np.ones((len(graphs.labels), 1), bool)


def _relative_boxes(graphs: SceneGraphArrays) -> np.ndarray:
    """Describe boxes (B, 4) by centre and size, the longer side being 1."""
    longer = np.maximum(graphs.widths, graphs.heights)
    longer = np.repeat(longer, graphs.box_counts)[:, None]
    top_left, bottom_right = np.hsplit(graphs.boxes / longer, 2)
    return np.hstack([(top_left + bottom_right) / 2, bottom_right - top_left])


def _check_ids(ids: list[int | str]) -> None:
    """Refuse ids that nobody could tell apart."""
    seen = set()
    for number in ids:
        if number in seen:
            raise ValueError(
                f'two images have the id {number}; give one another name'
            )
        seen.add(number)


def _image_entries(graphs: SceneGraphArrays) -> list[dict[str, object]]:
    columns = (graphs.img_ids, graphs.widths, graphs.heights)
    return [
        dict(image_id=image_id, width=width, height=height)
        for image_id, width, height in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _number_names(names: Sequence[str]) -> dict[str, int]:
    return {name: idx for idx, name in enumerate(names, start=1)}


def _count_names(names: Sequence[str], labels: np.ndarray) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=True))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
