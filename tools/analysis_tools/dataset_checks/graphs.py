"""Check the scene graphs of data sets, whatever file they came from."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset

from mmsgg.datasets import SceneGraphArrays

from .report import ProblemReport

#: What a box may reach out of its image by the rounding of its file, pixels.
ROUNDING = 1.0


class OpenedDataset(NamedTuple):
    """A data set that could be read."""

    split: str  # 'train', 'val' or 'test'
    name: str  # what reports call it, with its file
    dataset: BaseDataset
    graphs: SceneGraphArrays


def check_graphs(
    report: ProblemReport,
    name: str,
    graphs: SceneGraphArrays,
    num_classes: int,
    num_predicates: int,
    pixel_side: int = 1,
) -> None:
    """Check boxes, labels and relations of one data set.

    Args:
        report: Takes what is wrong.
        name: What examples call the data set, such as ``train (file)``.
        graphs: Its scene graphs.
        num_classes: Object classes C.
        num_predicates: Predicates P.
        pixel_side: As of :func:`box_problems`.
    """
    _check_images(report, name, graphs)
    _check_boxes(report, name, graphs, pixel_side)
    _check_labels(report, name, graphs, num_classes, num_predicates)
    _check_relations(report, name, graphs)


def check_self_relations(
    report: ProblemReport, name: str, graphs: SceneGraphArrays
) -> None:
    """Find relations of a box to itself, which data sets tend to drop.

    Args:
        report: Takes what is wrong.
        name: What examples call the graphs.
        graphs: Scene graphs before anything was dropped.
    """
    own = graphs.pairs[:, 0] == graphs.pairs[:, 1]
    report.add(
        'relation of a box to itself',
        np.flatnonzero(own),
        lambda row: _relation(name, graphs, row),
    )


def train_and_test(
    opened: Sequence[OpenedDataset],
) -> Iterator[tuple[OpenedDataset, OpenedDataset]]:
    """Pair each training set with each validation and each test set.

    Args:
        opened: The data sets of a config.
    """
    for one, other in product(opened, opened):
        if one.split == 'train' and other.split != 'train':
            yield one, other


def check_overlap(
    report: ProblemReport, opened: Sequence[OpenedDataset]
) -> None:
    """Compare the images of training with those of the other splits.

    The validation set may well be the test set; these are not compared.

    Args:
        report: Takes what is wrong.
        opened: The data sets of a config.
    """
    for one, other in train_and_test(opened):
        rows = {key: row for row, key in enumerate(_image_keys(one))}
        both = [
            (rows[key], row, key)
            for row, key in enumerate(_image_keys(other))
            if key in rows
        ]
        found = [
            f'image {key[-1]}: {one.name} item {row}, {other.name} item '
            f'{other_row}'
            for row, other_row, key in both[: report.max_examples]
        ]
        report.add(
            'image in train and in test',
            np.arange(len(both)),
            found.__getitem__,
        )


def repeated_rows(keys: np.ndarray) -> np.ndarray:
    """Find the rows that were there before.

    Args:
        keys: (M, D) rows to compare.

    Returns:
        (K,) numbers of all but the first of equal rows, ascending.

    Examples:
        >>> repeated_rows(np.array([[1, 2], [0, 0], [1, 2]])).tolist()
        [2]
    """
    if len(keys) == 0:
        return np.zeros(0, dtype=np.int64)
    # a stable sort keeps equal rows in their order, the first one first
    order = np.lexsort(keys.T)
    same = (keys[order][1:] == keys[order][:-1]).all(axis=1)
    return np.sort(order[1:][same])


def box_problems(
    boxes: np.ndarray,
    widths: np.ndarray,
    heights: np.ndarray,
    pixel_side: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Tell useless boxes from those that reach out of their image.

    Args:
        boxes: (B, 4) [x1, y1, x2, y2], original-image pixels.
        widths: (B,) of the image of each box.
        heights: (B,) of the image of each box.
        pixel_side: x2 - x1 of a box that is a pixel wide.

    Returns:
        (B,) bool, no area inside the image or not a number; (B,) bool, more
        than a pixel of rounding outside and not among the former.
    """
    limits = np.column_stack([widths, heights, widths, heights])
    inside = np.clip(boxes, 0, limits)
    sides = inside[:, 2:] - inside[:, :2]
    useless = ~(sides > 0 if pixel_side else sides >= 0).all(axis=1)
    out = (np.abs(boxes - inside) > ROUNDING).any(axis=1)
    return useless, out & ~useless


def _check_images(
    report: ProblemReport, name: str, graphs: SceneGraphArrays
) -> None:
    if len(graphs) == 0:
        report.add_one('no images in the split', name)
    _, numbers = np.unique(graphs.img_ids, return_inverse=True)
    report.add(
        'image twice in a split',
        repeated_rows(numbers[:, None]),
        lambda i: f'{name} item {i}: image {graphs.img_ids[i]} came before',
    )
    report.add(
        'image size not positive',
        np.flatnonzero((graphs.widths <= 0) | (graphs.heights <= 0)),
        lambda i: (
            f'{_image(name, graphs, i)} is '
            f'{graphs.widths[i]} x {graphs.heights[i]} pixels'
        ),
    )


def _check_boxes(
    report: ProblemReport,
    name: str,
    graphs: SceneGraphArrays,
    pixel_side: int,
) -> None:
    images = np.repeat(np.arange(len(graphs)), graphs.box_counts)
    widths, heights = graphs.widths[images], graphs.heights[images]
    useless, out = box_problems(graphs.boxes, widths, heights, pixel_side)

    def describe(row: int) -> str:
        image = images[row]
        return (
            f'{_image(name, graphs, image)} box '
            f'{row - graphs.box_starts[image]}: '
            f'{graphs.boxes[row].round(1).tolist()} (x1, y1, x2, y2) of class '
            f'{graphs.labels[row]}, image of {widths[row]} x {heights[row]}'
        )

    report.add('box empty or outside', np.flatnonzero(useless), describe)
    report.add('box reaches out of the image', np.flatnonzero(out), describe)
    keys = np.column_stack([images, graphs.labels, graphs.boxes])
    report.add('duplicate box', repeated_rows(keys), describe)


def _check_labels(
    report: ProblemReport,
    name: str,
    graphs: SceneGraphArrays,
    num_classes: int,
    num_predicates: int,
) -> None:
    for kind, noun, labels, starts, size in (
        ('class', 'box', graphs.labels, graphs.box_starts, num_classes),
        (
            'predicate',
            'relation',
            graphs.predicates,
            graphs.relation_starts,
            num_predicates,
        ),
    ):
        wrong = np.flatnonzero((labels < 0) | (labels >= size))
        images = np.searchsorted(starts, wrong, side='right') - 1
        found = [
            f'{_image(name, graphs, image)} {noun} {row - starts[image]}: '
            f'{kind} {labels[row]}, outside 0..{size - 1}'
            for row, image in zip(
                wrong[: report.max_examples], images, strict=False
            )
        ]
        report.add(
            f'{kind} out of range', np.arange(len(wrong)), found.__getitem__
        )


def _check_relations(
    report: ProblemReport, name: str, graphs: SceneGraphArrays
) -> None:
    def describe(row: int) -> str:
        return _relation(name, graphs, row)

    images = np.repeat(np.arange(len(graphs)), graphs.relation_counts)
    pairs = graphs.pairs
    outside = (pairs < 0) | (pairs >= graphs.box_counts[images][:, None])
    rows = np.flatnonzero(outside.any(axis=1))
    report.add('pair out of range', rows, describe)
    keys = np.column_stack([images, pairs, graphs.predicates])
    report.add('duplicate relation', repeated_rows(keys), describe)


def _relation(name: str, graphs: SceneGraphArrays, row: int) -> str:
    image = np.searchsorted(graphs.relation_starts, row, side='right') - 1
    return (
        f'{_image(name, graphs, image)} relation '
        f'{row - graphs.relation_starts[image]}: boxes '
        f'{graphs.pairs[row].tolist()} of {graphs.box_counts[image]}, '
        f'predicate {graphs.predicates[row]}'
    )


def _image(name: str, graphs: SceneGraphArrays, image: int) -> str:
    return f'{name} item {image} (image {graphs.img_ids[image]})'


def _image_keys(opened: OpenedDataset) -> list[tuple]:
    """What tells an image from others: its folder and its name or id."""
    prefix = getattr(opened.dataset, 'data_prefix', {})
    folders = tuple(getattr(opened.dataset, 'image_folders', ()))
    names = getattr(opened.graphs, 'file_names', None)
    names = opened.graphs.img_ids if names is None else names
    return [(prefix.get('img'), folders, str(name)) for name in names]
