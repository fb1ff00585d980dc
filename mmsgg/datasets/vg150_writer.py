"""Write scene graphs in the files of VG150."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from .scene_graph_arrays import SceneGraphArrays
from .vg150_file import CORRUPTED_IDS

#: Validation images come first: the reader takes it from there.
_SPLIT_NUMBERS = {'val': 0, 'train': 0, 'test': 2}


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
        ValueError: If two images have the same id, or one that the reader
            leaves out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in _SPLIT_NUMBERS if name in splits]
    graphs = [splits[name] for name in names]
    ids = [number for part in graphs for number in part.img_ids.tolist()]
    _check_ids(ids)
    numbers = [
        np.full(len(splits[name]), _SPLIT_NUMBERS[name]) for name in names
    ]
    with h5py.File(folder / 'VG-SGG.h5', 'w') as file:
        file['split'] = np.concatenate(numbers).astype(np.int32)
        _write_graphs(file, graphs)
    images = [entry for part in graphs for entry in _image_entries(part)]
    (folder / 'image_data.json').write_text(json.dumps(images))
    vocabulary = {
        'label_to_idx': _numbered(classes),
        'predicate_to_idx': _numbered(predicates),
    }
    (folder / 'VG-SGG-dicts.json').write_text(json.dumps(vocabulary))
    return int((splits['val'].box_counts > 0).sum()) if 'val' in splits else 0


def _image_entries(graphs: SceneGraphArrays) -> list[dict]:
    ids = graphs.img_ids.tolist()
    sizes = zip(graphs.widths.tolist(), graphs.heights.tolist(), strict=True)
    return [
        dict(image_id=number, width=width, height=height)
        for number, (width, height) in zip(ids, sizes, strict=True)
    ]


def _check_ids(ids: list[int | str]) -> None:
    """Refuse ids that the reader would not find or not tell apart."""
    reserved = {str(number) for number in CORRUPTED_IDS}
    seen = set()
    for number in ids:
        if str(number) in reserved:
            raise ValueError(
                f'image id {number} is one of the corrupted images of Visual '
                f'Genome {CORRUPTED_IDS}, which the reader leaves out; give '
                'the image another name'
            )
        if number in seen:
            raise ValueError(
                f'two images have the id {number}; give one another name'
            )
        seen.add(number)


def _write_graphs(file: h5py.File, graphs: list[SceneGraphArrays]) -> None:
    """Write boxes and relations, image after image."""
    for name, counts in (
        ('box', [part.box_counts for part in graphs]),
        ('rel', [part.relation_counts for part in graphs]),
    ):
        joined = np.concatenate(counts)
        ends = np.cumsum(joined)
        for end, rows in (('first', ends - joined), ('last', ends - 1)):
            rows = np.where(joined > 0, rows, -1)
            file[f'img_to_{end}_{name}'] = rows.astype(np.int32)
    boxes = np.concatenate([_relative_boxes(part) for part in graphs])
    file['boxes_1024'] = boxes * 1024
    labels = np.concatenate([part.labels for part in graphs])
    file['labels'] = labels[:, None] + 1
    predicates = np.concatenate([part.predicates for part in graphs])
    file['predicates'] = predicates[:, None] + 1
    before = np.cumsum([0] + [len(part.boxes) for part in graphs])
    file['relationships'] = np.concatenate(
        [
            part.global_pairs() + first
            for part, first in zip(graphs, before[:-1], strict=True)
        ]
    ).astype(np.int32)
    file['active_object_mask'] = np.ones((len(labels), 1), dtype=bool)


def _relative_boxes(graphs: SceneGraphArrays) -> np.ndarray:
    """Describe boxes (B, 4) by centre and size, the longer side being 1."""
    longer = np.maximum(graphs.widths, graphs.heights)
    longer = np.repeat(longer, graphs.box_counts)[:, None]
    top_left, bottom_right = np.hsplit(graphs.boxes / longer, 2)
    return np.hstack([(top_left + bottom_right) / 2, bottom_right - top_left])


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: idx for idx, name in enumerate(names, start=1)}
