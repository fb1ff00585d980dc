"""All scene graphs of a split in a few flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class SceneGraphArrays:
    """Boxes and relations of N images, image after image.

    The boxes of image ``i`` are ``boxes[box_starts[i]:box_starts[i + 1]]``,
    its relations ``pairs[relation_starts[i]:relation_starts[i + 1]]``.
    A million boxes stay a few arrays, which the workers of a data loader
    share instead of copying. Nobody can write to them.

    Args:
        img_ids: (N,) integers or strings.
        heights: (N,) int64 pixels.
        widths: (N,) int64 pixels.
        boxes: (B, 4) float32 [x1, y1, x2, y2], original-image pixels.
        labels: (B,) int64, 0-based classes.
        box_starts: (N + 1,) int64, from 0 to B.
        pairs: (R, 2) int64 [subject, object], counted within the image.
        predicates: (R,) int64, 0-based.
        relation_starts: (N + 1,) int64, from 0 to R.
        file_names: (N,) strings, relative to the folders of images; None
            where images are called ``<img_id>.jpg``.
        ignored: Regions of the same N images that are no objects and of
            which nothing is to be learned, as a crowd; without relations.
            None where there are none.
        mask_files: (N,) strings, the image of each whose pixels are ids of
            segments; None where boxes have no masks.
        mask_ids: (B,) int64, which of these ids is the mask of each box.
    """

    img_ids: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    box_starts: np.ndarray
    pairs: np.ndarray
    predicates: np.ndarray
    relation_starts: np.ndarray
    file_names: np.ndarray | None = None
    ignored: SceneGraphArrays | None = None
    mask_files: np.ndarray | None = None
    mask_ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Take views that refuse to be written to."""
        for field in fields(self):
            array = getattr(self, field.name)
            if isinstance(array, np.ndarray):
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, field.name, view)

    def __setstate__(self, state: dict) -> None:
        """Unpickle, after which nobody can write either."""
        for name, array in state.items():
            object.__setattr__(self, name, array)
        self.__post_init__()

    def __len__(self) -> int:
        return len(self.img_ids)

    def file_name(self, image: int) -> str:
        """Name the file of an image, relative to the folders of images."""
        if self.file_names is None:
            return f'{self.img_ids[image]}.jpg'
        return self.file_names[image].item()

    @property
    def box_counts(self) -> np.ndarray:
        """(N,) how many boxes each image has."""
        return np.diff(self.box_starts)

    @property
    def relation_counts(self) -> np.ndarray:
        """(N,) how many relations each image has."""
        return np.diff(self.relation_starts)

    def image_of_boxes(self) -> np.ndarray:
        """(B,) int64, the image that each box is in."""
        return np.repeat(np.arange(len(self)), self.box_counts)

    def global_pairs(self) -> np.ndarray:
        """Count the pairs over all images instead of within one.

        Returns:
            (R, 2) int64 indices of ``boxes``.
        """
        return self.pairs + self._first_boxes()[:, None]

    def _first_boxes(self) -> np.ndarray:
        """(R,) the first box of the image that each relation is in."""
        return np.repeat(self.box_starts[:-1], self.relation_counts)

    def triplets(self) -> np.ndarray:
        """Name every relation by its classes.

        Returns:
            (R, 3) int64 [subject class, object class, predicate], 0-based.
        """
        classes = self.labels[self.global_pairs()]
        return np.column_stack([classes, self.predicates])

    @classmethod
    def concatenate(
        cls, parts: Sequence[SceneGraphArrays]
    ) -> SceneGraphArrays:
        """Join graphs; names and masks stay if all parts have them.

        Args:
            parts: At least one.
        """
        columns = {
            field.name: [getattr(part, field.name) for part in parts]
            for field in fields(cls)
        }
        box_counts = np.concatenate([part.box_counts for part in parts])
        relation_counts = np.concatenate(
            [part.relation_counts for part in parts]
        )
        ignored = None
        if any(part is not None for part in columns.pop('ignored')):
            ignored = cls.concatenate([part.regions() for part in parts])
        return cls(
            **{
                name: np.concatenate(column)
                for name, column in columns.items()
                if all(array is not None for array in column)
            }
            | dict(
                box_starts=offsets_from_counts(box_counts),
                relation_starts=offsets_from_counts(relation_counts),
                ignored=ignored,
            )
        )

    def take(self, images: np.ndarray) -> SceneGraphArrays:
        """Pick images, in the order given.

        Args:
            images: (M,) int64 indices, repeats allowed.
        """
        box_counts = self.box_counts[images]
        relation_counts = self.relation_counts[images]
        boxes = concat_ranges(self.box_starts[images], box_counts)
        relations = concat_ranges(
            self.relation_starts[images], relation_counts
        )
        return SceneGraphArrays(
            img_ids=self.img_ids[images],
            heights=self.heights[images],
            widths=self.widths[images],
            boxes=self.boxes[boxes],
            labels=self.labels[boxes],
            box_starts=offsets_from_counts(box_counts),
            pairs=self.pairs[relations],
            predicates=self.predicates[relations],
            relation_starts=offsets_from_counts(relation_counts),
            file_names=_rows(self.file_names, images),
            ignored=None
            if self.ignored is None
            else self.ignored.take(images),
            mask_files=_rows(self.mask_files, images),
            mask_ids=_rows(self.mask_ids, boxes),
        )

    def keep_relations(self, keep: np.ndarray) -> SceneGraphArrays:
        """Drop relations and leave images and boxes as they are.

        Args:
            keep: (R,) bool.
        """
        kept_before = offsets_from_counts(keep.astype(np.int64))
        return replace(
            self,
            pairs=self.pairs[keep],
            predicates=self.predicates[keep],
            relation_starts=kept_before[self.relation_starts],
        )

    def keep_boxes(self, keep: np.ndarray) -> SceneGraphArrays:
        """Drop boxes and the relations that name one; images stay.

        Args:
            keep: (B,) bool.
        """
        graphs = self.keep_relations(keep[self.global_pairs()].all(axis=1))
        kept_before = offsets_from_counts(keep.astype(np.int64))
        first_boxes = kept_before[graphs._first_boxes()]
        pairs = kept_before[graphs.global_pairs()] - first_boxes[:, None]
        return replace(
            graphs,
            boxes=self.boxes[keep],
            labels=self.labels[keep],
            box_starts=kept_before[self.box_starts],
            pairs=pairs,
            mask_ids=_rows(self.mask_ids, keep),
        )

    def first_of_repeats(self) -> np.ndarray:
        """Find the relations (R,) bool that no earlier one equals."""
        rows = np.column_stack([self.global_pairs(), self.predicates])
        first = np.zeros(len(rows), dtype=bool)
        first[np.unique(rows, axis=0, return_index=True)[1]] = True
        return first

    def regions(self) -> SceneGraphArrays:
        """Return ``ignored``, or the same images with no box at all."""
        if self.ignored is not None:
            return self.ignored
        return self._without_relations().keep_boxes(
            np.zeros(len(self.boxes), dtype=bool)
        )

    def _without_relations(self) -> SceneGraphArrays:
        return self.keep_relations(np.zeros(len(self.pairs), dtype=bool))

    def ignore_boxes(self, ignore: np.ndarray) -> SceneGraphArrays:
        """Move boxes into ``ignored``; relations that name one are dropped.

        Args:
            ignore: (B,) bool.
        """
        if not ignore.any():
            return self
        regions = self._without_relations().keep_boxes(ignore)
        return replace(self.keep_boxes(~ignore), ignored=regions)

    def clip_boxes(self) -> tuple[SceneGraphArrays, np.ndarray, int]:
        """Cut boxes off at the borders of their images.

        Returns:
            The graphs with float32 boxes; (M,) int64 indices of the boxes
            that have no area inside their image, NaN included; how many
            boxes were cut.
        """
        heights = np.repeat(self.heights, self.box_counts)
        widths = np.repeat(self.widths, self.box_counts)
        clipped = np.empty((4, len(self.boxes)), dtype=np.float32)
        cut = np.zeros(len(self.boxes), dtype=bool)
        limits = (widths, heights, widths, heights)
        # a column at a time is several times faster than rows of four
        for side, limit, out in zip(
            self.boxes.T, limits, clipped, strict=True
        ):
            inside = np.minimum(np.maximum(side, 0), limit)
            cut |= inside != side
            out[:] = inside
        # true for no empty box, no box outside and no NaN
        good = (clipped[2:] > clipped[:2]).all(axis=0)
        graphs = replace(self, boxes=np.ascontiguousarray(clipped.T))
        return graphs, np.flatnonzero(~good), int(cut.sum())

    def widen_boxes(
        self, degenerate: np.ndarray, side: int = 1
    ) -> SceneGraphArrays:
        """Make boxes at least a pixel wide and high, inside their image.

        Args:
            degenerate: (M,) int64 indices of boxes that lie within their
                image.
            side: x2 - x1 of a box that is a pixel wide: 0 where x2 is its
                last pixel.
        """
        sizes = np.column_stack([self.widths, self.heights])
        limits = np.repeat(sizes, self.box_counts, axis=0)[degenerate]
        lower, upper = np.split(self.boxes[degenerate], 2, axis=1)
        lower = np.minimum(lower, limits - 1)
        boxes = self.boxes.copy()
        boxes[degenerate] = np.hstack([lower, np.maximum(upper, lower + side)])
        return replace(self, boxes=boxes)


class LoadedGraphs(NamedTuple):
    """What a data set read from its files.

    Args:
        graphs: All images of the data set.
        num_clipped: Boxes that were cut off at the border of their image.
        degenerate: (M,) indices of boxes without an area inside their image.
        dropped: How much of what was left out, in words for the log.
        note: What else the log should say.
    """

    graphs: SceneGraphArrays
    num_clipped: int
    degenerate: np.ndarray = np.zeros(0, dtype=np.int64)
    dropped: dict[str, int] = {}
    note: str = ''


def _rows(array: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if array is None else array[rows]


def offsets_from_counts(counts: np.ndarray) -> np.ndarray:
    """Turn counts (N,) into offsets (N + 1,) int64: 0 first, the sum last."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def concat_ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Join ``range(start, start + count)`` of several ranges.

    Args:
        starts: (N,) first number of each range.
        counts: (N,) length of each range.

    Returns:
        (sum of counts,) int64.

    Examples:
        >>> concat_ranges(np.array([7, 0]), np.array([2, 3])).tolist()
        [7, 8, 0, 1, 2]
    """
    before = offsets_from_counts(counts)
    return np.arange(before[-1]) + np.repeat(starts - before[:-1], counts)
