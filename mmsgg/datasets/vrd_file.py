"""Read the files of Stanford VRD as they are, and say what is wrong."""

from typing import NamedTuple

import numpy as np

from .json_file import read_json
from .scene_graph_arrays import starts_of

WHERE_FROM = (
    'the files are annotations_train.json, annotations_test.json, '
    'objects.json and predicates.json of Stanford VRD; put them into '
    'data_root, or pass data_root=... of a folder that holds them'
)


class VRDGraphs(NamedTuple):
    """The graphs of a file, before anybody knows how large an image is.

    Args:
        names: (N,) file names of the images.
        boxes: (B, 4) int64 [x1, y1, x2, y2], 0-based pixels, the last ones
            included.
        labels: (B,) int64, 0-based as in the file.
        box_starts: (N + 1,) int64.
        pairs: (R, 2) int64, counted within the image.
        predicates: (R,) int64, 0-based as in the file.
        relation_starts: (N + 1,) int64.
    """

    names: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    box_starts: np.ndarray
    pairs: np.ndarray
    predicates: np.ndarray
    relation_starts: np.ndarray


def read_vrd(path: str, num_classes: int, num_predicates: int) -> VRDGraphs:
    """Read a file of relations and find out which objects it names.

    Every relation repeats the box of its subject and of its object. Within an
    image, equal boxes of equal category are one object; objects come in the
    order in which they are first named.

    Args:
        path: ``annotations_train.json`` or one of its layout: ``{image name:
            [{predicate, subject: {category, bbox}, object: {...}}, ...]}``
            with bbox = [ymin, ymax, xmin, xmax], counted from 1.
        num_classes: How many categories there are.
        num_predicates: How many predicates there are.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another layout, or names what does not exist.
    """
    images = _read_images(path)
    names = list(images)
    rows = np.array(
        [
            _numbers_of(relation, f'{path}: image {name!r}, relation {k}')
            for name, relations in images.items()
            for k, relation in enumerate(relations)
        ],
        dtype=np.int64,
    ).reshape(-1, 11)
    counts = np.array([len(image) for image in images.values()], dtype=int)
    of_image = np.repeat(np.arange(len(images)), counts)
    for wrong, what in _wrong_rows(rows, num_classes, num_predicates):
        if wrong.any():
            row = np.flatnonzero(wrong)[0]
            number = row - starts_of(counts)[of_image[row]]
            raise ValueError(
                f'{path}: image {names[of_image[row]]!r}, relation {number}: '
                f'{what}; predicate, then category and bbox of both are '
                f'{rows[row].tolist()}; correct or remove it ({wrong.sum()} '
                'such relations)'
            )
    objects, ends = _merge(of_image, rows[:, 1:].reshape(-1, 2, 5))
    box_starts = starts_of(np.bincount(objects[:, 0], minlength=len(images)))
    ymin, ymax, xmin, xmax = objects[:, 2:].T
    return VRDGraphs(
        names=np.array(names, dtype=str),
        boxes=np.column_stack([xmin, ymin, xmax, ymax]) - 1,
        labels=objects[:, 1],
        box_starts=box_starts,
        pairs=ends - box_starts[of_image][:, None],
        predicates=rows[:, 0],
        relation_starts=starts_of(counts),
    )


def _read_images(path: str) -> dict[str, list]:
    images = read_json(path, 'annotation file', WHERE_FROM)
    if not isinstance(images, dict):
        raise ValueError(
            f'{path} is a {type(images).__name__} instead of a dict from '
            'image names to relations; pass ann_file=... of a file in the '
            'layout of annotations_train.json'
        )
    return images


def _numbers_of(relation: dict, where: str) -> list[int]:
    """Flatten a relation: predicate, then category and box of both ends."""
    try:
        numbers = [relation['predicate']]
        for end in ('subject', 'object'):
            numbers += [relation[end]['category'], *relation[end]['bbox']]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f'{where} is {relation!r}: it needs predicate, subject and '
            'object, and the latter two a category and a bbox; correct or '
            'remove it'
        ) from error
    if len(numbers) != 11 or not all(type(value) is int for value in numbers):
        raise ValueError(
            f'{where} is {relation!r}: predicate and category must be whole '
            'numbers, bbox four of them; correct or remove it'
        )
    return numbers


def _wrong_rows(
    rows: np.ndarray, num_classes: int, num_predicates: int
) -> list[tuple[np.ndarray, str]]:
    """Look for labels outside the vocabulary and boxes without an area.

    Args:
        rows: (R, 11) of :func:`_numbers_of`.
        num_classes: As in :func:`read_vrd`.
        num_predicates: As in :func:`read_vrd`.

    Returns:
        (R,) bool where something is wrong, and what it is, for each check.
    """
    predicates, labels = rows[:, 0], rows[:, [1, 6]]
    spans = rows[:, [2, 3, 4, 5, 7, 8, 9, 10]].reshape(-1, 4, 2)
    bad_label = ((labels < 0) | (labels >= num_classes)).any(axis=1)
    bad_span = (spans[..., 0] < 1) | (spans[..., 0] >= spans[..., 1])
    return [
        (
            (predicates < 0) | (predicates >= num_predicates),
            f'its predicate is outside 0..{num_predicates - 1}',
        ),
        (bad_label, f'a category is outside 0..{num_classes - 1}'),
        (
            bad_span.any(axis=1),
            'a bbox is not [ymin, ymax, xmin, xmax] with 1 <= min < max',
        ),
    ]


def _merge(
    of_image: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the different objects.

    Args:
        of_image: (R,) image rows, ascending.
        ends: (R, 2, 5) category and box of subject and object.

    Returns:
        (B, 6) image, category and box in the order of first appearance;
        (R, 2) rows of it.
    """
    images = np.repeat(of_image, 2)[:, None]
    rows = np.hstack([images, ends.reshape(-1, 5)])
    objects, first, inverse = np.unique(
        rows, axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return objects[order], ranks[inverse.reshape(-1)].reshape(-1, 2)
