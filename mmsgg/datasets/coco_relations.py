"""A user's own scene graphs: COCO JSON with relations, read and written."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from mmsgg.registry import DATASETS

from .json_file import read_json
from .scene_graph_arrays import SceneGraphArrays, offsets_from_counts
from .scene_graph_dataset import LoadedGraphs, SceneGraphDataset

#: The lists of the file, and what an entry of each must have.
LISTS = {
    'images': ('id', 'file_name', 'width', 'height'),
    'categories': ('id', 'name'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox'),
    'predicates': ('id', 'name'),
    'relations': ('image_id', 'subject_id', 'object_id', 'predicate_id'),
}


@DATASETS.register_module()
class SceneGraphJsonDataset(SceneGraphDataset):
    """Scene graphs in one JSON file, made for data of one's own.

    ::

        {"images": [{"id", "file_name", "width", "height"}, ...],
         "categories": [{"id", "name"}, ...],
         "annotations": [{"id", "image_id", "category_id",
                          "bbox": [x, y, width, height]}, ...],
         "predicates": [{"id", "name"}, ...],
         "relations": [{"image_id", "subject_id", "object_id",
                        "predicate_id"}, ...]}

    The first three lists are those of COCO; ``subject_id`` and ``object_id``
    are ids of annotations. Other entries are not read. Images without
    annotations stay. ``file_name`` counts from ``image_folders``.

    Labels are places in ``metainfo``, which without more is the order of
    ``categories`` and ``predicates`` in the file. Where files of one data set
    list them differently, pass ``metainfo=dict(classes=[...],
    predicates=[...])`` to all: names then decide.

    Args:
        *args: Of :class:`SceneGraphDataset`.
        **kwargs: Likewise.

    Raises:
        ValueError: If the file contradicts itself or the metainfo.
        FileNotFoundError: If it is missing.
    """

    METAINFO = dict(dataset_type='SceneGraphJson')

    @property
    def metainfo(self) -> dict:
        """Names and whatever else was passed; reads the file for names."""
        if not {'classes', 'predicates'} <= self._metainfo.keys():
            self.full_init()
        return super().metainfo

    def load_graphs(self) -> LoadedGraphs:
        """Read the file."""
        reader = _Reader(
            self.ann_file, allow_degenerate=self.degenerate_boxes != 'error'
        )
        self._metainfo.setdefault('classes', reader.names('categories'))
        self._metainfo.setdefault('predicates', reader.names('predicates'))
        return reader.read(
            self._metainfo['classes'], self._metainfo['predicates']
        )


class _Reader:
    """Reads a file, and refuses references to what is not in it.

    Args:
        path: The file: an object with the five lists of ``LISTS``, of which
            ``images``, ``categories`` and ``annotations`` are those of COCO;
            ids are numbers or strings, unique within their list.
        allow_degenerate: Whether boxes without an area inside their image
            are listed, not refused.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a list, or something in an entry of it, is missing, or
            two entries share an id.
    """

    def __init__(self, path: str, allow_degenerate: bool = False) -> None:
        self.path = path
        self.allow_degenerate = allow_degenerate
        self.lists = read_json(
            path,
            'annotation file',
            'pass data_root=... and ann_file=... of a file of scene graphs; '
            'docs/custom_dataset.md says what is in it',
        )
        for key, fields in LISTS.items():
            if not isinstance(self.lists, dict) or not isinstance(
                self.lists.get(key), list
            ):
                raise ValueError(
                    f'{path} has no list {key!r}; it must be an object with '
                    f'the lists {", ".join(LISTS)} (docs/custom_dataset.md)'
                )
            for index, entry in enumerate(self.lists[key]):
                for field in fields:
                    if not isinstance(entry, dict) or field not in entry:
                        self._refuse(key, index, f'has no {field!r}; add it')
        self.index_by_id = {
            key: self._index_ids(key)
            for key, fields in LISTS.items()
            if 'id' in fields
        }

    def names(self, key: str) -> tuple[str, ...]:
        """List names in the order of the file.

        Args:
            key: 'categories' or 'predicates'.

        Raises:
            ValueError: If a name comes twice or is no text.
        """
        indices: dict[str, int] = {}
        for index, entry in enumerate(self.lists[key]):
            name = entry['name']
            if not isinstance(name, str):
                self._refuse(key, index, 'needs a text as name')
            if name in indices:
                again = f'has the name of {key}[{indices[name]}] again'
                self._refuse(key, index, f'{again}; rename or remove one')
            indices[name] = index
        return tuple(indices)

    def read(
        self, classes: Sequence[str], predicates: Sequence[str]
    ) -> LoadedGraphs:
        """Replace ids by indices, and names by labels.

        Args:
            classes: Names in the order of the labels.
            predicates: Likewise.

        Returns:
            The graphs, images in the order of the file, objects of an image
            too.

        Raises:
            ValueError: If a name is none of those, an id refers to nothing,
                or a box is no box.
        """
        images = self.lists['images']
        heights, widths = self._sizes()
        of_image = self._refer('annotations', 'image_id', 'images')
        order, box_starts = _sort(of_image, len(images))
        # where each annotation comes within its image
        places = np.empty_like(order)
        places[order] = np.arange(len(order)) - box_starts[of_image[order]]
        boxes = self._boxes()
        labels = self._labels('annotations', 'category_id', classes)
        pairs, of_relation = self._pairs(of_image)
        relation_labels = self._labels('relations', 'predicate_id', predicates)
        relation_order, relation_starts = _sort(of_relation, len(images))
        graphs, degenerate, num_clipped = SceneGraphArrays(
            img_ids=np.array([image['id'] for image in images]),
            heights=heights,
            widths=widths,
            boxes=boxes[order],
            labels=labels[order],
            box_starts=box_starts,
            pairs=places[pairs[relation_order]],
            predicates=relation_labels[relation_order],
            relation_starts=relation_starts,
            file_names=np.array([i['file_name'] for i in images], dtype=str),
        ).clip_boxes()
        if len(degenerate) and not self.allow_degenerate:
            index = order[degenerate].min()
            image = of_image[index]
            self._refuse(
                'annotations',
                index,
                f'lies outside its image, images[{image}] of '
                f'{widths[image]} x {heights[image]} pixels; correct or '
                "remove it, or pass degenerate_boxes='drop' or 'widen'",
            )
        return LoadedGraphs(graphs, num_clipped, degenerate)

    def _refuse(self, key: str, index: int, what: str) -> NoReturn:
        entry = json.dumps(self.lists[key][index])
        if len(entry) >= 200:
            entry = f'{entry[:200]}...'
        raise ValueError(f'{self.path}: {key}[{index}] {what}. It is {entry}')

    def _index_ids(self, key: str) -> dict[int | str, int]:
        """Map the ids of a list to indices."""
        indices: dict[int | str, int] = {}
        for index, entry in enumerate(self.lists[key]):
            number = entry['id']
            if type(number) not in (int, str):
                self._refuse(key, index, 'needs a number or a string as id')
            if type(number) is not type(self.lists[key][0]['id']):
                self._refuse(
                    key,
                    index,
                    f'has an id of another type than {key}[0]; use '
                    'numbers or strings throughout',
                )
            if number in indices:
                self._refuse(
                    key,
                    index,
                    f'has the id of {key}[{indices[number]}] again; '
                    'make ids unique',
                )
            indices[number] = index
        return indices

    def _refer(self, key: str, field: str, other: str) -> np.ndarray:
        """Turn ids (N,) in one list into indices of another."""
        indices = self.index_by_id[other]
        found = []
        for index, entry in enumerate(self.lists[key]):
            number = entry[field]
            if type(number) not in (int, str) or number not in indices:
                self._refuse(
                    key,
                    index,
                    f'has {field} {number!r}, which is the id of none of the '
                    f'{len(indices)} {other}; correct it, or remove the entry',
                )
            found.append(indices[number])
        return np.array(found, dtype=np.int64)

    def _sizes(self) -> np.ndarray:
        """List heights and widths (2, N)."""
        sizes = []
        for index, image in enumerate(self.lists['images']):
            size = (image['height'], image['width'])
            if not all(type(side) is int and side > 0 for side in size):
                self._refuse(
                    'images',
                    index,
                    'is of no size: width and height must be whole numbers '
                    'of pixels above 0; correct them',
                )
            sizes.append(size)
        return np.array(sizes, dtype=np.int64).reshape(-1, 2).T

    def _labels(
        self, key: str, field: str, names: Sequence[str]
    ) -> np.ndarray:
        """Look up the labels (N,) of what entries refer to."""
        other = 'categories' if field == 'category_id' else 'predicates'
        label_of = {name: label for label, name in enumerate(names)}
        for index, name in enumerate(self.names(other)):
            if name not in label_of:
                option = 'classes' if other == 'categories' else other
                self._refuse(
                    other,
                    index,
                    f'has a name that is none of the {len(names)} {option} of '
                    f'the data set; rename it, or pass another '
                    f'metainfo=dict({option}=[...])',
                )
        labels = [label_of[entry['name']] for entry in self.lists[other]]
        indices = self._refer(key, field, other)
        return np.array(labels, dtype=np.int64)[indices]

    def _boxes(self) -> np.ndarray:
        """Turn [x, y, width, height] into corners (B, 4)."""
        boxes = np.empty((len(self.lists['annotations']), 4))
        for index, entry in enumerate(self.lists['annotations']):
            bbox = entry['bbox']
            if not _is_box(bbox, self.allow_degenerate):
                self._refuse(
                    'annotations',
                    index,
                    'has a bbox that is not [x, y, width, height] with a '
                    'width and height above 0; correct or remove it, or pass '
                    "degenerate_boxes='drop' or 'widen'",
                )
            boxes[index] = bbox
        boxes[:, 2:] += boxes[:, :2]
        return boxes

    def _pairs(self, of_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up annotations (R, 2) and images (R,) of the relations."""
        subjects, objects = (
            self._refer('relations', f'{end}_id', 'annotations')
            for end in ('subject', 'object')
        )
        images = self._refer('relations', 'image_id', 'images')
        pairs = np.column_stack([subjects, objects])
        elsewhere = of_image[pairs] != images[:, None]
        if elsewhere.any():
            index = np.flatnonzero(elsewhere.any(axis=1))[0]
            end = int(np.argmax(elsewhere[index]))
            self._refuse(
                'relations',
                index,
                f'has {("a subject", "an object")[end]}_id of '
                f'annotations[{pairs[index, end]}], which is in another image '
                'than the relation; correct or remove it',
            )
        return pairs, images


def _sort(
    of_image: np.ndarray, num_images: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the order (K,) image after image, and the starts (N + 1,)."""
    counts = np.bincount(of_image, minlength=num_images)
    order = np.argsort(of_image, kind='stable')
    return order, offsets_from_counts(counts)


def _is_box(bbox: object, any_size: bool) -> bool:
    return (
        isinstance(bbox, list)
        and len(bbox) == 4
        and all(type(v) in (int, float) and math.isfinite(v) for v in bbox)
        and (any_size or min(bbox[2:]) > 0)
    )


def write_scene_graph_json(
    path: str | Path,
    graphs: SceneGraphArrays,
    classes: Sequence[str],
    predicates: Sequence[str],
) -> None:
    """Write what :class:`SceneGraphJsonDataset` reads.

    Args:
        path: The file to write.
        graphs: Without ``file_names``, images are called ``<img_id>.jpg``.
        classes: Names in the order of the labels; ids count from 1.
        predicates: Likewise.
    """
    lists = dict(
        images=_images(graphs),
        categories=_numbered(classes),
        annotations=_annotations(graphs),
        predicates=_numbered(predicates),
        relations=_relations(graphs),
    )
    Path(path).write_text(json.dumps(lists))


def _images(graphs: SceneGraphArrays) -> list[dict]:
    ids = graphs.img_ids.tolist()
    names = [graphs.file_name(image) for image in range(len(graphs))]
    sizes = zip(graphs.widths.tolist(), graphs.heights.tolist(), strict=True)
    return [
        dict(id=i, file_name=name, width=width, height=height)
        for i, name, (width, height) in zip(ids, names, sizes, strict=True)
    ]


def _annotations(graphs: SceneGraphArrays) -> list[dict]:
    # float64, or width and height would not lead back to the same corners
    top_left, bottom_right = np.hsplit(graphs.boxes.astype(np.float64), 2)
    boxes = np.hstack([top_left, bottom_right - top_left]).tolist()
    img_ids = np.repeat(graphs.img_ids, graphs.box_counts).tolist()
    labels = graphs.labels.tolist()
    return [
        dict(
            id=k,
            image_id=image_id,
            category_id=label + 1,
            bbox=box,
            area=box[2] * box[3],
            iscrowd=0,
        )
        for k, (image_id, label, box) in enumerate(
            zip(img_ids, labels, boxes, strict=True), start=1
        )
    ]


def _relations(graphs: SceneGraphArrays) -> list[dict]:
    img_ids = np.repeat(graphs.img_ids, graphs.relation_counts).tolist()
    ids = np.column_stack([graphs.global_pairs(), graphs.predicates]) + 1
    return [
        dict(
            image_id=image_id,
            subject_id=subject,
            object_id=obj,
            predicate_id=predicate,
        )
        for image_id, (subject, obj, predicate) in zip(
            img_ids, ids.tolist(), strict=True
        )
    ]


def _numbered(names: Sequence[str]) -> list[dict]:
    return [dict(id=k, name=name) for k, name in enumerate(names, start=1)]
