"""Read scene graphs as COCO JSON with relations."""

import json
import math
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from .json_file import read_json
from .scene_graph_arrays import SceneGraphArrays, clip_boxes, starts_of

#: The lists of the file, and what an entry of each must have.
LISTS = {
    'images': ('id', 'file_name', 'width', 'height'),
    'categories': ('id', 'name'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox'),
    'predicates': ('id', 'name'),
    'relations': ('image_id', 'subject_id', 'object_id', 'predicate_id'),
}


class SceneGraphJsonReader:
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
            for row, entry in enumerate(self.lists[key]):
                for field in fields:
                    if not isinstance(entry, dict) or field not in entry:
                        self._refuse(key, row, f'has no {field!r}; add it')
        self.rows = {
            key: self._rows_by_id(key)
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
        rows = {}
        for row, entry in enumerate(self.lists[key]):
            name = entry['name']
            if not isinstance(name, str):
                self._refuse(key, row, 'needs a text as name')
            if name in rows:
                again = f'has the name of {key}[{rows[name]}] again'
                self._refuse(key, row, f'{again}; rename or remove one')
            rows[name] = row
        return tuple(rows)

    def read(
        self, classes: Sequence[str], predicates: Sequence[str]
    ) -> tuple[SceneGraphArrays, int, np.ndarray]:
        """Number everything by rows and names.

        Args:
            classes: Names in the order of the labels.
            predicates: Likewise.

        Returns:
            The graphs, images in the order of the file, objects of an image
            too; how many boxes were clipped to their image; the rows (M,) of
            degenerate boxes.

        Raises:
            ValueError: If a name is none of those, an id refers to nothing,
                or a box is no box.
        """
        images = self.lists['images']
        heights, widths = self._sizes()
        of_image = self._refer('annotations', 'image_id', 'images')
        order, box_starts = _sort(of_image, len(images))
        places = np.empty_like(order)
        places[order] = np.arange(len(order)) - box_starts[of_image[order]]
        boxes, degenerate, num_clipped = self._boxes(of_image, heights, widths)
        labels = self._labels('annotations', 'category_id', classes)
        pairs, in_image = self._pairs(of_image)
        verbs = self._labels('relations', 'predicate_id', predicates)
        relation_order, relation_starts = _sort(in_image, len(images))
        graphs = SceneGraphArrays(
            img_ids=np.array([image['id'] for image in images]),
            heights=heights,
            widths=widths,
            boxes=boxes[order],
            labels=labels[order],
            box_starts=box_starts,
            pairs=places[pairs[relation_order]],
            predicates=verbs[relation_order],
            relation_starts=relation_starts,
            file_names=np.array([i['file_name'] for i in images], dtype=str),
        )
        degenerate = np.flatnonzero(np.isin(order, degenerate))
        return graphs, num_clipped, degenerate

    def _refuse(self, key: str, row: int, what: str) -> NoReturn:
        entry = json.dumps(self.lists[key][row])
        shown = entry if len(entry) < 200 else f'{entry[:200]}...'
        raise ValueError(f'{self.path}: {key}[{row}] {what}. It is {shown}')

    def _rows_by_id(self, key: str) -> dict[int | str, int]:
        rows = {}
        for row, entry in enumerate(self.lists[key]):
            number = entry['id']
            if type(number) not in (int, str):
                self._refuse(key, row, 'needs a number or a string as id')
            if type(number) is not type(self.lists[key][0]['id']):
                self._refuse(
                    key,
                    row,
                    f'has an id of another type than {key}[0]; use '
                    'numbers or strings throughout',
                )
            if number in rows:
                self._refuse(
                    key,
                    row,
                    f'has the id of {key}[{rows[number]}] again; '
                    'make ids unique',
                )
            rows[number] = row
        return rows

    def _refer(self, key: str, field: str, target: str) -> np.ndarray:
        """Turn ids (N,) of one list into rows of another."""
        rows = self.rows[target]
        found = []
        for row, entry in enumerate(self.lists[key]):
            number = entry[field]
            if type(number) not in (int, str) or number not in rows:
                self._refuse(
                    key,
                    row,
                    f'has {field} {number!r}, which is the id of none of the '
                    f'{len(rows)} {target}; correct it, or remove the entry',
                )
            found.append(rows[number])
        return np.array(found, dtype=np.int64)

    def _sizes(self) -> np.ndarray:
        """List heights and widths (2, N)."""
        sizes = []
        for row, image in enumerate(self.lists['images']):
            size = (image['height'], image['width'])
            if not all(type(side) is int and side > 0 for side in size):
                self._refuse(
                    'images',
                    row,
                    'is of no size: width and height must be whole numbers '
                    'of pixels above 0; correct them',
                )
            sizes.append(size)
        return np.array(sizes, dtype=np.int64).reshape(-1, 2).T

    def _labels(
        self, key: str, field: str, names: Sequence[str]
    ) -> np.ndarray:
        """Number (N,) what entries refer to by its place in the names."""
        target = 'categories' if field == 'category_id' else 'predicates'
        place = {name: label for label, name in enumerate(names)}
        for row, name in enumerate(self.names(target)):
            if name not in place:
                option = 'classes' if target == 'categories' else target
                self._refuse(
                    target,
                    row,
                    f'has a name that is none of the {len(names)} {option} of '
                    f'the data set; rename it, or pass another '
                    f'metainfo=dict({option}=[...])',
                )
        labels = [place[entry['name']] for entry in self.lists[target]]
        rows = self._refer(key, field, target)
        return np.array(labels, dtype=np.int64)[rows]

    def _boxes(
        self, of_image: np.ndarray, heights: np.ndarray, widths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Turn [x, y, width, height] into corners; see :func:`clip_boxes`."""
        boxes = np.empty((len(of_image), 4))
        for row, entry in enumerate(self.lists['annotations']):
            bbox = entry['bbox']
            if not _is_box(bbox, self.allow_degenerate):
                self._refuse(
                    'annotations',
                    row,
                    'has a bbox that is not [x, y, width, height] with a '
                    'width and height above 0; correct or remove it, or pass '
                    "degenerate_boxes='drop' or 'widen'",
                )
            boxes[row] = bbox
        boxes[:, 2:] += boxes[:, :2]
        clipped, wrong, num_clipped = clip_boxes(
            boxes, heights[of_image], widths[of_image]
        )
        if len(wrong) and not self.allow_degenerate:
            image = of_image[wrong[0]]
            self._refuse(
                'annotations',
                wrong[0],
                f'lies outside its image, images[{image}] of '
                f'{widths[image]} x {heights[image]} pixels; correct or '
                "remove it, or pass degenerate_boxes='drop' or 'widen'",
            )
        return clipped, wrong, num_clipped

    def _pairs(self, of_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up rows of annotations (R, 2) and of images (R,)."""
        subjects, objects = (
            self._refer('relations', f'{end}_id', 'annotations')
            for end in ('subject', 'object')
        )
        images = self._refer('relations', 'image_id', 'images')
        pairs = np.column_stack([subjects, objects])
        elsewhere = of_image[pairs] != images[:, None]
        if elsewhere.any():
            row = np.flatnonzero(elsewhere.any(axis=1))[0]
            end = int(np.argmax(elsewhere[row]))
            self._refuse(
                'relations',
                row,
                f'has {("a subject", "an object")[end]}_id of '
                f'annotations[{pairs[row, end]}], which is in another image '
                'than the relation; correct or remove it',
            )
        return pairs, images


def _sort(
    of_image: np.ndarray, num_images: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the order (K,) image after image, and the starts (N + 1,)."""
    counts = np.bincount(of_image, minlength=num_images)
    return np.argsort(of_image, kind='stable'), starts_of(counts)


def _is_box(bbox: object, any_size: bool) -> bool:
    return (
        isinstance(bbox, list)
        and len(bbox) == 4
        and all(type(v) in (int, float) and math.isfinite(v) for v in bbox)
        and (any_size or min(bbox[2:]) > 0)
    )
