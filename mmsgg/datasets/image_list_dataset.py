"""Data sets whose file has an entry an image, with all that is in it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .json_file import whole_numbers
from .names_in_file import NamesInFileDataset
from .scene_graph_arrays import (
    LoadedGraphs,
    SceneGraphArrays,
    offsets_from_counts,
)


class ImageEntry(NamedTuple):
    """What a file says of one image.

    Args:
        img_id: Integers or strings, of one type in a data set.
        file_name: Relative to the folders of images.
        size: Width and height, pixels.
        boxes: (N, 4) [x1, y1, x2, y2], pixels counted from 0.
        labels: (N,) 0-based classes.
        triplets: (R, 3) rows [subject, object, predicate]: numbers of boxes,
            and 0-based.
        mask_file: As in :class:`SceneGraphArrays`.
        mask_ids: (N,), likewise; None where there are no masks.
    """

    img_id: int | str
    file_name: str
    size: Any
    boxes: Any
    labels: Any
    triplets: Any
    mask_file: str = ''
    mask_ids: Any = None


class ImageListDataset(NamesInFileDataset):
    """Reads a file entry by entry; what is in each, a subclass says.

    A subclass implements :meth:`read_images` and :meth:`parse`.

    Args:
        *args: Of :class:`NamesInFileDataset`.
        **kwargs: Likewise.
    """

    def read_images(self) -> Iterable[tuple[str, Any]]:
        """List what messages call each image, and what is said of it.

        Sets the names that ``metainfo`` lacks, by :meth:`set_names`.
        """
        raise NotImplementedError

    def parse(self, entry: Any) -> ImageEntry:
        """Read one entry; a KeyError, TypeError or ValueError refuses it."""
        raise NotImplementedError

    def set_names(
        self, classes: Sequence[str], predicates: Sequence[str]
    ) -> None:
        """Take these names, in the order of the file.

        Where ``metainfo`` has some, those are the names, and these tell what
        the numbers of the file mean.
        """
        self._label_of_number: dict[str, np.ndarray] = {}
        for field, names in (('classes', classes), ('predicates', predicates)):
            known = self._metainfo.setdefault(field, tuple(names))
            places = {name: label for label, name in enumerate(known)}
            self._label_of_number[field] = np.array(
                [places.get(name, -1) for name in names], dtype=np.int64
            )

    def labels_of(self, field: str, numbers: Any) -> np.ndarray:
        """Look up the labels of numbers of the file, counted from 0.

        Args:
            field: 'classes' or 'predicates'.
            numbers: (N,) places in the names of the file.

        Returns:
            (N,) int64, -1 where no name or none of ``metainfo`` is.
        """
        numbers = whole_numbers(numbers)
        table = np.append(self._label_of_number[field], -1)
        inside = (numbers >= 0) & (numbers < len(table))
        return table[np.where(inside, numbers, -1)]

    def triplets_of(self, rows: Any) -> np.ndarray:
        """Look up the labels of the predicates of triplets.

        Args:
            rows: (R, 3) [subject, object, number in the file].
        """
        triplets = whole_numbers(rows).reshape(len(rows), 3)
        triplets[:, 2] = self.labels_of('predicates', triplets[:, 2])
        return triplets

    def label(self, field: str, names: Sequence[str]) -> int:
        """Look up the label of a name, of which there must be one.

        Args:
            field: 'classes' or 'predicates'.
            names: One, if all is well.

        Raises:
            ValueError: If it is another number, or the name is unknown.
        """
        if len(names) != 1:
            raise ValueError(f'{len(names)} {field} where one is needed')
        known = self._metainfo[field]
        if names[0] not in known:
            raise ValueError(f'{names[0]!r}, which is none of the {field}')
        return known.index(names[0])

    def read_file(self) -> LoadedGraphs:
        """Read the file, without what cannot be used."""
        return self.finish(self.read_graphs())

    def read_graphs(self) -> SceneGraphArrays:
        """Read the images that can be used, boxes as the file has them."""
        names, entries = [], []
        problems: list[str] = []
        for name, raw in self.read_images():
            try:
                entries.append(as_arrays(self.parse(raw)))
                names.append(name)
            except (KeyError, TypeError, ValueError) as error:
                what = f'no {error}' if type(error) is KeyError else error
                problems.append(wrong_entry(self.ann_file, name, what))
        self.bad_rows.add(
            'bad images', range(len(problems)), problems.__getitem__
        )
        graphs = join_entries(entries)
        return self._without_unknown(names, graphs)

    def _without_unknown(
        self, names: Sequence[str], graphs: SceneGraphArrays
    ) -> SceneGraphArrays:
        """Leave out boxes and relations with a number out of its range."""
        of_box = graphs.image_of_boxes()
        of_relation = np.repeat(np.arange(len(graphs)), graphs.relation_counts)
        labels, predicates = graphs.labels, graphs.predicates
        num_boxes = graphs.box_counts[of_relation]
        num_classes = np.full_like(labels, len(self._metainfo['classes']))
        num_predicates = np.full_like(
            predicates, len(self._metainfo['predicates'])
        )
        known = (labels >= 0) & (labels < num_classes)
        named = (predicates >= 0) & (predicates < num_predicates)
        rows = graphs.pairs
        inside = np.all((rows >= 0) & (rows < num_boxes[:, None]), axis=1)

        def add(
            kind: str,
            good: np.ndarray,
            of_image: np.ndarray,
            what: str,
            ends: np.ndarray,
        ) -> None:
            self.bad_rows.add(
                kind,
                np.flatnonzero(~good),
                lambda row: wrong_entry(
                    self.ann_file,
                    names[of_image[row]],
                    f'{what} that are none of the {ends[row]} there are',
                ),
            )

        relations = 'bad relations'
        add('bad boxes', known, of_box, 'classes', num_classes)
        add(relations, inside, of_relation, 'box rows', num_boxes)
        named |= ~inside  # the others are counted already
        add(relations, named, of_relation, 'predicates', num_predicates)
        return self.bad_rows.leave_out(graphs, known, named & inside)


def wrong_entry(path: str, name: str, what: object) -> str:
    """Say what is wrong with an image, and what to do."""
    return (
        f'{path}: image {name!r} has a wrong entry: {what}; correct or remove '
        'it'
    )


def as_arrays(entry: ImageEntry) -> ImageEntry:
    """Turn the lists of an entry into arrays.

    Raises:
        TypeError: If something is no number.
        ValueError: If something is of another shape.
    """
    size = whole_numbers(entry.size)
    boxes = np.array(entry.boxes, dtype=np.float64)
    boxes = boxes.reshape(len(entry.boxes), 4)
    labels = whole_numbers(entry.labels)
    triplets = whole_numbers(entry.triplets).reshape(len(entry.triplets), 3)
    if len(labels) != len(boxes):
        raise ValueError(f'{len(boxes)} boxes, but {len(labels)} classes')
    if size.shape != (2,) or (size <= 0).any():
        raise ValueError(f'a size of {size.tolist()} pixels')
    mask_ids = entry.mask_ids
    if mask_ids is not None:
        mask_ids = whole_numbers(mask_ids)
        if len(mask_ids) != len(boxes):
            raise ValueError(f'{len(boxes)} boxes, but {len(mask_ids)} masks')
    return entry._replace(
        size=size,
        boxes=boxes,
        labels=labels,
        triplets=triplets,
        mask_ids=mask_ids,
    )


def join_entries(entries: Sequence[ImageEntry]) -> SceneGraphArrays:
    """Join the entries of all images, made of arrays."""
    none = np.zeros(0, dtype=np.int64)
    box_counts, relation_counts = (
        np.array([len(array) for array in column], dtype=np.int64)
        for column in (
            [entry.boxes for entry in entries],
            [entry.triplets for entry in entries],
        )
    )
    sizes = np.concatenate([none, *(entry.size for entry in entries)])
    triplets = np.concatenate(
        [np.zeros((0, 3), dtype=np.int64), *(e.triplets for e in entries)]
    )
    masks = {}
    if entries and all(entry.mask_ids is not None for entry in entries):
        masks = dict(
            mask_files=np.array([e.mask_file for e in entries], dtype=str),
            mask_ids=np.concatenate([none, *(e.mask_ids for e in entries)]),
        )
    return SceneGraphArrays(
        img_ids=np.array(
            [entry.img_id for entry in entries], dtype=None if entries else str
        ),
        heights=sizes[1::2],
        widths=sizes[::2],
        boxes=np.concatenate([np.zeros((0, 4)), *(e.boxes for e in entries)]),
        labels=np.concatenate([none, *(entry.labels for entry in entries)]),
        box_starts=offsets_from_counts(box_counts),
        pairs=triplets[:, :2],
        predicates=triplets[:, 2],
        relation_starts=offsets_from_counts(relation_counts),
        file_names=np.array([entry.file_name for entry in entries], dtype=str),
        **masks,
    )
