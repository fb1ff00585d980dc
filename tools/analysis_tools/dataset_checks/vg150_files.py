"""Check the files of VG150 themselves, before a data set drops anything."""

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mmsgg.datasets import VG150Dataset
from mmsgg.datasets.scene_graph_arrays import concat_ranges
from mmsgg.datasets.vg150_file import read_h5, read_image_data

from .graphs import box_problems
from .report import ProblemReport


def check_vg150_files(
    report: ProblemReport, dataset: VG150Dataset, done: set[tuple]
) -> None:
    """Check the files of a data set that nobody checked before.

    Args:
        report: Takes what is wrong. A file that does not open is left to the
            data set, which says so.
        dataset: It need not be initialised.
        done: The files that were checked; these are added.
    """
    classes, predicates = (
        dataset.metainfo[key] for key in ('classes', 'predicates')
    )
    files = dataset.ann_file, dataset.image_data_file
    vocabulary = dataset.vocabulary_file, tuple(classes), tuple(predicates)
    with contextlib.suppress(OSError, KeyError, ValueError):
        if vocabulary not in done:
            done.add(vocabulary)
            check_vocabulary_file(report, *vocabulary)
    with contextlib.suppress(OSError, KeyError, ValueError):
        if files not in done:
            done.add(files)
            checks = VG150FileChecks(*files, report)
            checks.run(len(classes), len(predicates))


class VG150FileChecks:
    """Checks one ``VG-SGG.h5`` with its ``image_data.json``, all splits.

    The reader of the data set stops at the first row that is wrong, clips
    boxes and drops relations of a box to itself; this lists all of them.

    Args:
        ann_file: Path of the h5 file.
        image_data_file: Path of the ids and sizes of the images.
        report: Takes what is wrong.

    Raises:
        OSError, KeyError, ValueError: If a file does not open; the data set
            says so too.
    """

    def __init__(
        self, ann_file: str, image_data_file: str, report: ProblemReport
    ) -> None:
        self.ann_file = ann_file
        self.image_data_file = image_data_file
        self.report = report
        arrays, size = read_h5(ann_file)
        # differences of the unsigned types of a file would wrap around
        self.arrays = {
            key: array.astype(np.float64 if key == 'boxes' else np.int64)
            for key, array in arrays.items()
        }
        self.arrays['boxes'] /= size
        self.ids, self.heights, self.widths = read_image_data(
            image_data_file, len(arrays['split'])
        )

    def run(self, num_classes: int, num_predicates: int) -> None:
        """Run all checks, as far as one does not make the next pointless.

        Args:
            num_classes: Object classes C.
            num_predicates: Predicates P.
        """
        rows = len(self.arrays['split'])
        if rows != len(self.ids):
            self.report.add_one(
                'rows do not match images',
                f'{self.ann_file} has {rows} rows, {self.image_data_file} '
                f'{len(self.ids)} images without the corrupted ones',
            )
            return
        self._check_image_data()
        self._check_labels('labels', 'class', num_classes)
        self._check_labels('predicates', 'predicate', num_predicates)
        box_images, box_rows = self._rows_of('box', 'boxes')
        self._check_boxes(box_images, box_rows)
        self._check_relations(*self._rows_of('rel', 'relationships'))

    def _check_image_data(self) -> None:
        def describe(row: int) -> str:
            return (
                f'{self.image_data_file}: image {self.ids[row]} (row {row}) '
                f'of {self.widths[row]} x {self.heights[row]} pixels'
            )

        flat = np.flatnonzero((self.widths <= 0) | (self.heights <= 0))
        self.report.add('image size not positive', flat, describe)

    def _check_labels(self, key: str, kind: str, size: int) -> None:
        labels = self.arrays[key]
        self.report.add(
            f'{kind} out of range',
            np.flatnonzero((labels < 1) | (labels > size)),
            lambda row: (
                f'{self.ann_file}: {key} row {row} is {labels[row]}, outside '
                f'1..{size}'
            ),
        )

    def _rows_of(self, kind: str, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Match boxes or relations with images, broken ranges left out.

        Returns:
            (M,) image rows and (M,) rows of the array ``key``.
        """
        first = self.arrays[f'img_to_first_{kind}']
        last = self.arrays[f'img_to_last_{kind}']
        none = (first < 0) & (last < 0)
        good = (0 <= first) & (first <= last) & (last < len(self.arrays[key]))
        self.report.add(
            'row range broken',
            np.flatnonzero(~good & ~none),
            lambda row: (
                f'{self.ann_file}: img_to_first_{kind} and img_to_last_{kind} '
                f'of row {row} (image {self.ids[row]}) are {first[row]} and '
                f'{last[row]}; {key} has {len(self.arrays[key])} rows'
            ),
        )
        counts = np.where(good, last - first + 1, 0)
        rows = concat_ranges(np.where(good, first, 0), counts)
        return np.repeat(np.arange(len(first)), counts), rows

    def _check_boxes(self, images: np.ndarray, rows: np.ndarray) -> None:
        widths, heights = self.widths[images], self.heights[images]
        longer = np.maximum(widths, heights)[:, None]
        centres, sizes = np.hsplit(self.arrays['boxes'][rows] * longer, 2)
        boxes = np.hstack([centres - sizes / 2, centres + sizes / 2])
        useless, out = box_problems(boxes, widths, heights)

        def describe(k: int) -> str:
            return (
                f'{self.ann_file}: box row {rows[k]} of image '
                f'{self.ids[images[k]]} is {boxes[k].round(1).tolist()} '
                f'(x1, y1, x2, y2) in {widths[k]} x {heights[k]} pixels'
            )

        report = self.report
        report.add('box empty or outside', np.flatnonzero(useless), describe)
        report.add(
            'box reaches out of the image', np.flatnonzero(out), describe
        )

    def _check_relations(self, images: np.ndarray, rows: np.ndarray) -> None:
        first = self.arrays['img_to_first_box'][images][:, None]
        last = self.arrays['img_to_last_box'][images][:, None]
        pairs = self.arrays['relationships'][rows]
        outside = ((pairs < first) | (pairs > last)).any(axis=1)
        own = pairs[:, 0] == pairs[:, 1]

        def describe(k: int) -> str:
            return (
                f'{self.ann_file}: relationships row {rows[k]} of image '
                f'{self.ids[images[k]]} is {pairs[k].tolist()}; the boxes of '
                f'the image are rows {first[k, 0]} to {last[k, 0]}'
            )

        report = self.report
        report.add('pair out of range', np.flatnonzero(outside), describe)
        report.add(
            'relation of a box to itself',
            np.flatnonzero(own & ~outside),
            describe,
        )


def check_vocabulary_file(
    report: ProblemReport,
    path: str,
    classes: Sequence[str],
    predicates: Sequence[str],
) -> None:
    """List every name that file and metainfo do not share.

    Args:
        report: Takes what is wrong.
        path: ``VG-SGG-dicts.json``.
        classes: Names of the metainfo, in order.
        predicates: Names of the metainfo, in order.

    Raises:
        OSError, ValueError: If the file is missing or no JSON.
    """
    vocabulary = json.loads(Path(path).read_bytes())
    for key, ours in (
        ('label_to_idx', classes),
        ('predicate_to_idx', predicates),
    ):
        if key not in vocabulary:
            report.add_one('vocabulary mismatch', f'{path} has no {key!r}')
            continue
        theirs = {int(i) - 1: name for name, i in vocabulary[key].items()}
        size = max(len(ours), max(theirs, default=-1) + 1)
        names = [
            (theirs.get(i), ours[i] if i < len(ours) else None)
            for i in range(size)
        ]
        wrong = [i for i, (one, other) in enumerate(names) if one != other]
        report.add('vocabulary mismatch', wrong, _describer(path, key, names))


def _describer(
    path: str, key: str, names: Sequence[tuple]
) -> Callable[[int], str]:
    return lambda i: (
        f'{path}: {key} gives {names[i][0]!r} to index {i + 1}, the metainfo '
        f'{names[i][1]!r}'
    )
