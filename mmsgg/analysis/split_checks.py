"""Find images that are both learned from and tested on."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset

from mmsgg.datasets import SceneGraphArrays

from .problem_report import ProblemReport


class OpenedDataset(NamedTuple):
    """A data set that could be read."""

    split: str  # 'train', 'val' or 'test'
    name: str  # what reports call it, with its file
    dataset: BaseDataset
    graphs: SceneGraphArrays


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


def _image_keys(opened: OpenedDataset) -> list[tuple]:
    """What tells an image from others: its folder and its name or id."""
    prefix = getattr(opened.dataset, 'data_prefix', {})
    folders = tuple(getattr(opened.dataset, 'image_folders', ()))
    names = getattr(opened.graphs, 'file_names', None)
    names = opened.graphs.img_ids if names is None else names
    return [(prefix.get('img'), folders, str(name)) for name in names]
