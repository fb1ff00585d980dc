"""All scene graphs of a split in a few flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class SceneGraphArrays:
    """Boxes and relations of N images, image after image.

    The boxes of image ``i`` are the rows ``box_starts[i]:box_starts[i + 1]``,
    its relations the rows ``relation_starts[i]:relation_starts[i + 1]``.
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

    def __post_init__(self) -> None:
        """Take views that refuse to be written to."""
        for field in fields(self):
            array = getattr(self, field.name)
            if array is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, field.name, view)

    def __setstate__(self, state: dict) -> None:
        """Unpickle, after which nobody can write either."""
        self.__init__(**state)

    def __len__(self) -> int:
        return len(self.img_ids)

    @property
    def box_counts(self) -> np.ndarray:
        """(N,) how many boxes each image has."""
        return np.diff(self.box_starts)

    @property
    def relation_counts(self) -> np.ndarray:
        """(N,) how many relations each image has."""
        return np.diff(self.relation_starts)

    def global_pairs(self) -> np.ndarray:
        """Count the pairs over all images instead of within one.

        Returns:
            (R, 2) rows of ``boxes``.
        """
        return self.pairs + self._first_boxes()[:, None]

    def _first_boxes(self) -> np.ndarray:
        """(R,) the first box row of the image each relation belongs to."""
        return np.repeat(self.box_starts[:-1], self.relation_counts)

    def triplets(self) -> np.ndarray:
        """Name every relation by its classes.

        Returns:
            (R, 3) int64 [subject class, object class, predicate], 0-based.
        """
        classes = self.labels[self.global_pairs()]
        return np.column_stack([classes, self.predicates])

    def take(self, images: np.ndarray) -> SceneGraphArrays:
        """Pick images, in the order given.

        Args:
            images: (M,) int64 image rows, repeats allowed.
        """
        box_counts = self.box_counts[images]
        relation_counts = self.relation_counts[images]
        boxes = row_ranges(self.box_starts[images], box_counts)
        relations = row_ranges(self.relation_starts[images], relation_counts)
        return SceneGraphArrays(
            img_ids=self.img_ids[images],
            heights=self.heights[images],
            widths=self.widths[images],
            boxes=self.boxes[boxes],
            labels=self.labels[boxes],
            box_starts=starts_of(box_counts),
            pairs=self.pairs[relations],
            predicates=self.predicates[relations],
            relation_starts=starts_of(relation_counts),
            file_names=(
                None if self.file_names is None else self.file_names[images]
            ),
        )

    def keep_relations(self, keep: np.ndarray) -> SceneGraphArrays:
        """Drop relations and leave images and boxes as they are.

        Args:
            keep: (R,) bool.
        """
        kept_before = starts_of(keep.astype(np.int64))
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
        kept_before = starts_of(keep.astype(np.int64))
        first_boxes = kept_before[graphs._first_boxes()]
        pairs = kept_before[graphs.global_pairs()] - first_boxes[:, None]
        return replace(
            graphs,
            boxes=self.boxes[keep],
            labels=self.labels[keep],
            box_starts=kept_before[self.box_starts],
            pairs=pairs,
        )

    def widen_boxes(self, rows: np.ndarray) -> SceneGraphArrays:
        """Make boxes at least a pixel wide and high, inside their image.

        Args:
            rows: (M,) int64 rows of boxes that lie within their image.
        """
        sizes = np.column_stack([self.widths, self.heights])
        limits = np.repeat(sizes, self.box_counts, axis=0)[rows]
        lower, upper = np.split(self.boxes[rows], 2, axis=1)
        lower = np.minimum(lower, limits - 1)
        boxes = self.boxes.copy()
        boxes[rows] = np.hstack([lower, np.maximum(upper, lower + 1)])
        return replace(self, boxes=boxes)


def starts_of(counts: np.ndarray) -> np.ndarray:
    """Turn counts into offsets.

    Args:
        counts: (N,) integers.

    Returns:
        (N + 1,) int64, 0 first and the sum last.
    """
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def row_ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Join ``range(start, start + count)`` of several ranges.

    Args:
        starts: (N,) first row of each range.
        counts: (N,) length of each range.

    Returns:
        (sum of counts,) int64.

    Examples:
        >>> row_ranges(np.array([7, 0]), np.array([2, 3])).tolist()
        [7, 8, 0, 1, 2]
    """
    before = starts_of(counts)
    return np.arange(before[-1]) + np.repeat(starts - before[:-1], counts)


def clip_boxes(
    boxes: np.ndarray, heights: np.ndarray, widths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Cut boxes off at the borders of their images.

    Args:
        boxes: (B, 4) [x1, y1, x2, y2], original-image pixels.
        heights: (B,) pixels, of the image of each box.
        widths: (B,) pixels.

    Returns:
        (B, 4) float32 boxes; the rows of those that are empty or outside,
        NaN included; how many were cut.
    """
    clipped = np.empty((4, len(boxes)), dtype=np.float32)
    cut = np.zeros(len(boxes), dtype=bool)
    limits = (widths, heights, widths, heights)
    for side, limit, out in zip(boxes.T, limits, clipped, strict=True):
        inside = np.minimum(np.maximum(side, 0), limit)
        cut |= inside != side
        out[:] = inside
    # true for no empty box, no box outside and no NaN
    good = (clipped[2:] > clipped[:2]).all(axis=0)
    clipped = np.ascontiguousarray(clipped.T)
    return clipped, np.flatnonzero(~good), int(cut.sum())
