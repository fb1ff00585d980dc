"""Read the JSON file of :class:`SceneGraphJsonDataset`."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .bad_rows import BadRows
from .json_file import read_json, whole_number
from .scene_graph_arrays import SceneGraphArrays, offsets_from_counts
from .scene_graph_dataset import LoadedGraphs

#: What messages call the file, and what to do where there is none.
MISSING = (
    'annotation file',
    'pass data_root=... and ann_file=... of a file of scene graphs; '
    'docs/custom_dataset.md says what is in it',
)
#: The lists of the file, and what an entry of each must have.
LISTS = {
    'images': ('id', 'file_name', 'width', 'height'),
    'categories': ('id', 'name'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox'),
    'predicates': ('id', 'name'),
    'relations': ('image_id', 'subject_id', 'object_id', 'predicate_id'),
}
#: What SGG-Benchmark calls two of the lists.
OTHER_KEYS = {'predicates': 'rel_categories', 'relations': 'rel_annotations'}
#: The lists of names, which label everything else: no entry may be left out.
NAME_LISTS = ('categories', 'predicates')


class SceneGraphJsonReader:
    """Reads a file, list after list, without what cannot be used.

    Args:
        path: The file: an object with the five lists of ``LISTS``, of which
            ``images``, ``categories`` and ``annotations`` are those of COCO;
            ids are numbers or strings, unique within their list.
        bad_rows: Takes images, annotations and relations that cannot be used;
            of entries with the same id the first one stays.
        allow_degenerate: Whether boxes without an area inside their image
            are listed, not bad rows.
        lists: The lists, where they are not what the file holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a list is missing, or something in one is wrong.
    """

    def __init__(
        self,
        path: str,
        bad_rows: BadRows,
        allow_degenerate: bool = False,
        lists: dict[str, list] | None = None,
    ) -> None:
        self.path = path
        self.bad_rows = bad_rows
        self.allow_degenerate = allow_degenerate
        content = read_json(path, *MISSING) if lists is None else lists
        #: What the file calls the lists.
        self.keys = {
            key: other
            if isinstance(content, dict)
            and key not in content
            and (other := OTHER_KEYS.get(key, key)) in content
            else key
            for key in LISTS
        }
        for key in self.keys.values():
            if not isinstance(content, dict) or not isinstance(
                content.get(key), list
            ):
                raise ValueError(
                    f'{path} has no list {key!r}; it must be an object with '
                    f'the lists {", ".join(LISTS)} (docs/custom_dataset.md)'
                )
        self.lists = {key: content[name] for key, name in self.keys.items()}
        #: The indices of the entries that are used.
        self.kept = {key: [*range(len(self.lists[key]))] for key in LISTS}
        #: The places of those, by their ids.
        self.places: dict[str, dict[int | str | None, int]] = {}
        for key in LISTS:
            self._keep(key, partial(_lacks, LISTS[key]))
        for key in NAME_LISTS:
            self._index(key)

    def _keep(self, key: str, problem: Callable[[Any, int], str]) -> None:
        """Leave out the entries of a list that have a problem.

        Args:
            key: The list.
            problem: Says what is wrong with an entry, of this index; nothing
                in most cases.
        """
        entries = self.lists[key]
        problems = {
            index: text
            for index in self.kept[key]
            if (text := problem(entries[index], index))
        }

        def describe(index: int) -> str:
            return self._describe(key, index, problems[index])

        if problems and key in NAME_LISTS:
            raise ValueError(describe(min(problems)))
        self.bad_rows.add(f'bad {key}', [*problems], describe)
        self.kept[key] = [i for i in self.kept[key] if i not in problems]

    def _describe(self, key: str, index: int, what: str) -> str:
        entry = json.dumps(self.lists[key][index])
        if len(entry) >= 200:
            entry = f'{entry[:200]}...'
        return f'{self.path}: {self.keys[key]}[{index}] {what}. It is {entry}'

    def _entries(self, key: str) -> list[dict]:
        """List the entries that are used."""
        return [self.lists[key][index] for index in self.kept[key]]

    def _index(self, key: str) -> None:
        """Number the entries that are used by their ids."""
        seen: dict[int | str | None, int] = {}

        def problem(entry: dict, index: int) -> str:
            number = _id(entry['id'])
            if number is None:
                return 'needs a number or a string as id, without a fraction'
            first = next(iter(seen), number)
            if type(number) is not type(first):
                return (
                    f'has an id of another type than {key}[{seen[first]}]; '
                    'use numbers or strings throughout'
                )
            if number in seen:
                again = f'has the id of {key}[{seen[number]}] again'
                return f'{again}; make ids unique'
            seen[number] = index
            return ''

        self._keep(key, problem)
        self.places[key] = {number: k for k, number in enumerate(seen)}

    def names(self, key: str) -> tuple[str, ...]:
        """List names in the order of the file.

        Args:
            key: 'categories' or 'predicates'.

        Raises:
            ValueError: If a name comes twice or is no text.
        """
        seen: dict[str, int] = {}

        def problem(entry: dict, index: int) -> str:
            name = entry['name']
            if not isinstance(name, str):
                return 'needs a text as name'
            if name in seen:
                again = f'has the name of {key}[{seen[name]}] again'
                return f'{again}; rename or remove one'
            seen[name] = index
            return ''

        self._keep(key, problem)
        return tuple(seen)

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
        self._keep('images', lambda image, _: _size_problem(image))
        self._index('images')
        self._keep('annotations', lambda entry, _: self._box_problem(entry))
        self._index('annotations')
        of_image = self._refer('annotations', 'image_id', 'images')
        self._keep(
            'relations',
            lambda entry, _: self._relation_problem(entry, of_image),
        )
        graphs, order = self._arrays(of_image, classes, predicates)
        graphs, degenerate, num_clipped = graphs.clip_boxes()
        if not self.allow_degenerate:
            self._add_degenerate(graphs, degenerate, order)
        return self._without_crowds(graphs, order, degenerate, num_clipped)

    def _arrays(
        self,
        of_image: np.ndarray,
        classes: Sequence[str],
        predicates: Sequence[str],
    ) -> tuple[SceneGraphArrays, np.ndarray]:
        """Sort by images; says which annotation each box (B,) is of."""
        images = self._entries('images')
        order, box_starts = _sort(of_image, len(images))
        # where each annotation comes within its image
        places = np.empty_like(order)
        places[order] = np.arange(len(order)) - box_starts[of_image[order]]
        labels = self._labels('annotations', 'category_id', classes)
        pairs = [
            self._refer('relations', f'{end}_id', 'annotations')
            for end in ('subject', 'object')
        ]
        relation_labels = self._labels('relations', 'predicate_id', predicates)
        relation_order, relation_starts = _sort(
            self._refer('relations', 'image_id', 'images'), len(images)
        )
        sizes = [(image['height'], image['width']) for image in images]
        heights, widths = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
        graphs = SceneGraphArrays(
            img_ids=np.array([_id(image['id']) for image in images]),
            heights=heights,
            widths=widths,
            boxes=self._corners()[order],
            labels=labels[order],
            box_starts=box_starts,
            pairs=places[np.column_stack(pairs)[relation_order]],
            predicates=relation_labels[relation_order],
            relation_starts=relation_starts,
            file_names=np.array([i['file_name'] for i in images], dtype=str),
        )
        return graphs, order

    def _add_degenerate(
        self,
        graphs: SceneGraphArrays,
        degenerate: np.ndarray,
        order: np.ndarray,
    ) -> None:
        """Hand boxes without an area inside their image to the bad rows."""
        image_of_boxes = graphs.image_of_boxes()
        # in the order of the file
        degenerate = degenerate[np.argsort(order[degenerate])]

        def describe(box: int) -> str:
            image = image_of_boxes[box]
            return self._describe(
                'annotations',
                self.kept['annotations'][order[box]],
                f'lies outside its image, images[{self.kept["images"][image]}]'
                f' of {graphs.widths[image]} x {graphs.heights[image]} '
                'pixels; correct or remove it, or pass '
                "degenerate_boxes='drop' or 'widen'",
            )

        self.bad_rows.add('boxes without an area', degenerate, describe)

    def _without_crowds(
        self,
        graphs: SceneGraphArrays,
        order: np.ndarray,
        degenerate: np.ndarray,
        num_clipped: int,
    ) -> LoadedGraphs:
        """Set regions to ignore apart, and count relations that name one."""
        crowds = [bool(a.get('iscrowd')) for a in self._entries('annotations')]
        ignore = np.array(crowds, dtype=bool)[order]
        if not ignore.any():
            return LoadedGraphs(graphs, num_clipped, degenerate)
        wrong = np.zeros(len(ignore), dtype=bool)
        wrong[degenerate] = True
        kept = graphs.ignore_boxes(ignore)
        regions = kept.regions().keep_boxes(~wrong[ignore])
        lost = len(graphs.pairs) - len(kept.pairs)
        return LoadedGraphs(
            replace(kept, ignored=regions),
            num_clipped,
            np.flatnonzero(wrong[~ignore]),
            {'relations of a region to ignore': lost} if lost else {},
        )

    def _refer(self, key: str, field: str, other: str) -> np.ndarray:
        """Turn ids (N,) in one list into places in another."""
        places = self.places[other]
        found = [places[_id(entry[field])] for entry in self._entries(key)]
        return np.array(found, dtype=np.int64)

    def _labels(
        self, key: str, field: str, names: Sequence[str]
    ) -> np.ndarray:
        """Look up the labels (N,) of what entries refer to."""
        other = 'categories' if field == 'category_id' else 'predicates'
        option = 'classes' if other == 'categories' else other
        label_of = {name: label for label, name in enumerate(names)}
        unknown = (
            f'has a name that is none of the {len(names)} {option} of the '
            f'data set; rename it, or pass another metainfo=dict({option}='
            '[...])'
        )
        self._keep(
            other, lambda entry, _: unknown * (entry['name'] not in label_of)
        )
        labels = [label_of[entry['name']] for entry in self._entries(other)]
        indices = self._refer(key, field, other)
        return np.array(labels, dtype=np.int64)[indices]

    def _corners(self) -> np.ndarray:
        """Turn [x, y, width, height] into corners (B, 4)."""
        boxes = np.array(
            [entry['bbox'] for entry in self._entries('annotations')],
            dtype=np.float64,
        ).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return boxes

    def _unknown(self, entry: dict, field: str, other: str) -> str:
        """Say where an id is the id of nothing."""
        if _id(entry[field]) in self.places[other]:
            return ''
        num_kept, num_all = len(self.places[other]), len(self.lists[other])
        usable = ' that can be used' if num_kept < num_all else ''
        return (
            f'has {field} {entry[field]!r}, which is the id of none of the '
            f'{num_kept} {other}{usable}; correct it, or remove the entry'
        )

    def _box_problem(self, entry: dict) -> str:
        if what := (
            self._unknown(entry, 'image_id', 'images')
            or self._unknown(entry, 'category_id', 'categories')
        ):
            return what
        if not _is_box(entry['bbox'], self.allow_degenerate):
            return (
                'has a bbox that is not [x, y, width, height] with a width '
                'and height above 0; correct or remove it, or pass '
                "degenerate_boxes='drop' or 'widen'"
            )
        if entry.get('iscrowd', 0) not in (0, 1):
            return 'has an iscrowd that is neither 0 nor 1; correct it'
        return ''

    def _relation_problem(self, entry: dict, of_image: np.ndarray) -> str:
        for field, other in (
            ('subject_id', 'annotations'),
            ('object_id', 'annotations'),
            ('image_id', 'images'),
            ('predicate_id', 'predicates'),
        ):
            if what := self._unknown(entry, field, other):
                return what
        image = self.places['images'][_id(entry['image_id'])]
        for end in ('subject', 'object'):
            box = self.places['annotations'][_id(entry[f'{end}_id'])]
            if of_image[box] != image:
                article = 'an' if end == 'object' else 'a'
                return (
                    f'has {article} {end}_id of annotations['
                    f'{self.kept["annotations"][box]}], which is in another '
                    'image than the relation; correct or remove it'
                )
        return ''


def _lacks(fields: Sequence[str], entry: object, _: int) -> str:
    """Say which field an entry has not."""
    for field in fields:
        if not isinstance(entry, dict) or field not in entry:
            return f'has no {field!r}; add it'
    return ''


def _id(value: object) -> int | str | None:
    """Return an id as it is compared: 7.0 is 7; None for what is none."""
    return value if isinstance(value, str) else whole_number(value)


def _size_problem(image: dict) -> str:
    sides = [whole_number(image[key]) for key in ('height', 'width')]
    if all(side is not None and side > 0 for side in sides):
        return ''
    return (
        'is of no size: width and height must be whole numbers of pixels '
        'above 0; correct them'
    )


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
