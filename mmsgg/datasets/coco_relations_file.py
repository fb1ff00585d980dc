"""Read the JSON file of :class:`SceneGraphJsonDataset`."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from .bad_rows import BadRows
from .image_list_dataset import ImageEntry, as_arrays, join_entries
from .json_file import read_json, whole_number
from .scene_graph_arrays import SceneGraphArrays

Id = int | str

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


class JsonGraphs(NamedTuple):
    """What is in the file.

    Args:
        graphs: Images in the order of the file, objects of an image too;
            boxes as the file has them.
        rows: (B,) the annotation that each box is.
        crowds: (B,) bool, whether it is a region to ignore.
    """

    graphs: SceneGraphArrays
    rows: list[int]
    crowds: list[bool]


class SceneGraphJsonReader:
    """Reads a file, list after list, without what cannot be used.

    Args:
        path: The file: an object with the five lists of ``LISTS``, of which
            ``images``, ``categories`` and ``annotations`` are those of COCO;
            ids are numbers or strings, unique within their list.
        bad_rows: Takes images, annotations and relations that cannot be used;
            of entries with the same id the first one stays.
        allow_degenerate: Whether boxes may be without an area.
        lists: The lists, where they are not what the file holds.

    Attributes:
        names: Of 'categories' and 'predicates', by their ids.

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
        if not isinstance(content, dict):
            content = {}
        #: What the file calls the lists.
        self.keys = {
            key: OTHER_KEYS[key]
            if key not in content and OTHER_KEYS.get(key) in content
            else key
            for key in LISTS
        }
        for key in self.keys.values():
            if not isinstance(content.get(key), list):
                raise ValueError(
                    f'{path} has no list {key!r}; it must be an object with '
                    f'the lists {", ".join(LISTS)} (docs/custom_dataset.md)'
                )
        self.lists = {key: content[name] for key, name in self.keys.items()}
        self.names = {key: self._names(key) for key in NAME_LISTS}

    def read(
        self, classes: Sequence[str], predicates: Sequence[str]
    ) -> JsonGraphs:
        """Replace ids by places within an image, and names by labels.

        Args:
            classes: Names in the order of the labels.
            predicates: Likewise.

        Raises:
            ValueError: If a name is none of those, an id refers to nothing,
                or a box is no box.
        """
        label_of = self._labels('categories', 'classes', classes)
        predicate_of = self._labels('predicates', 'predicates', predicates)
        self.images = {
            _id(image['id']): image
            for _, image in self._usable('images', _size_problem)
        }
        boxes: dict[Id, list[tuple[int, dict]]] = {i: [] for i in self.images}
        triplets: dict[Id, list[list[int]]] = {i: [] for i in self.images}
        #: Image, place within it, and place in the file of each annotation.
        self.places: dict[Id, tuple[Id, int, int]] = {}
        for row, entry in self._usable('annotations', self._box_problem):
            image = _id(entry['image_id'])
            self.places[_id(entry['id'])] = image, len(boxes[image]), row
            boxes[image].append((row, entry))
        for _, entry in self._usable('relations', self._relation_problem):
            ends = [entry['subject_id'], entry['object_id']]
            triplets[_id(entry['image_id'])].append(
                [self.places[_id(end)][1] for end in ends]
                + [predicate_of[_id(entry['predicate_id'])]]
            )
        entries = [
            ImageEntry(
                img_id=number,
                file_name=image['file_name'],
                size=[image['width'], image['height']],
                boxes=[_corners(*box['bbox']) for _, box in boxes[number]],
                labels=[
                    label_of[_id(box['category_id'])]
                    for _, box in boxes[number]
                ],
                triplets=triplets[number],
            )
            for number, image in self.images.items()
        ]
        rows = [row for of_image in boxes.values() for row in of_image]
        return JsonGraphs(
            join_entries([*map(as_arrays, entries)]),
            [row for row, _ in rows],
            [bool(box.get('iscrowd')) for _, box in rows],
        )

    def _usable(
        self, key: str, problem: Callable[[Any], str]
    ) -> Iterator[tuple[int, dict]]:
        """Yield the entries of a list without a problem, and their places.

        Args:
            key: The list.
            problem: Says what is wrong with an entry; nothing in most cases.

        Raises:
            ValueError: If a name cannot be used; the other lists leave their
                entries to the bad rows.
        """
        seen: dict[Id, int] = {}
        problems: dict[int, str] = {}
        for index, entry in enumerate(self.lists[key]):
            what = _lacks(LISTS[key], entry) or problem(entry)
            if not what and 'id' in LISTS[key]:
                what = _id_problem(key, index, _id(entry['id']), seen)
            if not what:
                yield index, entry
                continue
            problems[index] = what
            if key in NAME_LISTS:
                raise ValueError(self._describe(key, index, what))
        self.bad_rows.add(
            f'bad {key}',
            [*problems],
            lambda index: self._describe(key, index, problems[index]),
        )

    def _describe(self, key: str, index: int, what: str) -> str:
        entry = json.dumps(self.lists[key][index])
        if len(entry) >= 200:
            entry = f'{entry[:200]}...'
        return f'{self.path}: {self.keys[key]}[{index}] {what}. It is {entry}'

    def _names(self, key: str) -> dict[Id, str]:
        """Read the names by their ids, in the order of the file."""
        seen: dict[str, int] = {}

        def problem(entry: dict) -> str:
            name = entry['name']
            if not isinstance(name, str):
                return 'needs a text as name'
            if name in seen:
                again = f'has the name of {key}[{seen[name]}] again'
                return f'{again}; rename or remove one'
            seen[name] = len(seen)  # all before it are used
            return ''

        return {
            _id(entry['id']): entry['name']
            for _, entry in self._usable(key, problem)
        }

    def _labels(
        self, key: str, option: str, names: Sequence[str]
    ) -> dict[Id, int]:
        """Look up the labels of names, by their ids."""
        label_of = {name: label for label, name in enumerate(names)}
        for index, name in enumerate(self.names[key].values()):
            if name not in label_of:
                what = (
                    f'has a name that is none of the {len(names)} {option} of '
                    'the data set; rename it, or pass another '
                    f'metainfo=dict({option}=[...])'
                )
                raise ValueError(self._describe(key, index, what))
        return {i: label_of[name] for i, name in self.names[key].items()}

    def _unknown(self, entry: dict, field: str, key: str, known: Any) -> str:
        """Say where an id is the id of nothing."""
        if _id(entry[field]) in known:
            return ''
        usable = ' that can be used' * (len(known) < len(self.lists[key]))
        return (
            f'has {field} {entry[field]!r}, which is the id of none of the '
            f'{len(known)} {key}{usable}; correct it, or remove the entry'
        )

    def _box_problem(self, entry: dict) -> str:
        classes = self.names['categories']
        if what := (
            self._unknown(entry, 'image_id', 'images', self.images)
            or self._unknown(entry, 'category_id', 'categories', classes)
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

    def _relation_problem(self, entry: dict) -> str:
        for field, key, known in (
            ('subject_id', 'annotations', self.places),
            ('object_id', 'annotations', self.places),
            ('image_id', 'images', self.images),
            ('predicate_id', 'predicates', self.names['predicates']),
        ):
            if what := self._unknown(entry, field, key, known):
                return what
        for end, article in (('subject', 'a'), ('object', 'an')):
            image, _, row = self.places[_id(entry[f'{end}_id'])]
            if image != _id(entry['image_id']):
                return (
                    f'has {article} {end}_id of annotations[{row}], which is '
                    'in another image than the relation; correct or remove it'
                )
        return ''


def _lacks(fields: Sequence[str], entry: object) -> str:
    """Say which field an entry has not."""
    for field in fields:
        if not isinstance(entry, dict) or field not in entry:
            return f'has no {field!r}; add it'
    return ''


def _id(value: Any) -> Any:
    """Return an id as it is compared: 7.0 is 7; None for what is none."""
    return value if isinstance(value, str) else whole_number(value)


def _id_problem(
    key: str, index: int, number: Id | None, seen: dict[Id, int]
) -> str:
    """Say what is wrong with an id; a good one joins those that were seen."""
    if number is None:
        return 'needs a number or a string as id, without a fraction'
    first = next(iter(seen), number)
    if type(number) is not type(first):
        return (
            f'has an id of another type than {key}[{seen[first]}]; use '
            'numbers or strings throughout'
        )
    if number in seen:
        return f'has the id of {key}[{seen[number]}] again; make ids unique'
    seen[number] = index
    return ''


def _size_problem(image: dict) -> str:
    sides = [whole_number(image[key]) for key in ('height', 'width')]
    if all(side is not None and side > 0 for side in sides):
        return ''
    return (
        'is of no size: width and height must be whole numbers of pixels '
        'above 0; correct them'
    )


def _is_box(bbox: object, any_size: bool) -> bool:
    return (
        isinstance(bbox, list)
        and len(bbox) == 4
        and all(type(v) in (int, float) and math.isfinite(v) for v in bbox)
        and (any_size or min(bbox[2:]) > 0)
    )


def _corners(x: float, y: float, width: float, height: float) -> list[float]:
    return [x, y, x + width, y + height]
