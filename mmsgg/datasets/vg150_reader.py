"""From the files of VG150 to the scene graphs of one split."""

from collections.abc import Sequence

import numpy as np

from .scene_graph_arrays import (
    SceneGraphArrays,
    clip_boxes,
    row_ranges,
    starts_of,
)
from .vg150_file import read_h5, read_image_data

#: How the h5 file numbers the splits; 'val' is a part of the training rows.
_SPLIT_NUMBERS = {'train': 0, 'val': 0, 'test': 2}
SPLITS = tuple(_SPLIT_NUMBERS)


class VG150Reader:
    """Reads one split, checks it and numbers its labels from 0.

    Args:
        ann_file: Path of ``VG-SGG.h5``.
        image_data_file: Path of ``image_data.json``.
        classes: Object names.
        predicates: Predicate names.
        allow_degenerate: Whether boxes without an area inside their image
            are listed, not refused.

    Attributes:
        degenerate: (M,) such boxes of the last :meth:`read`, rows of its
            result.
        num_clipped: Boxes of the last :meth:`read` that stuck out of their
            image.
        dropped: What the last :meth:`read` left out of the split, in words.
    """

    def __init__(
        self,
        ann_file: str,
        image_data_file: str,
        classes: Sequence[str],
        predicates: Sequence[str],
        allow_degenerate: bool = False,
    ) -> None:
        self.ann_file = ann_file
        self.classes = classes
        self.predicates = predicates
        self.allow_degenerate = allow_degenerate
        self.num_clipped = 0
        self.degenerate = np.zeros(0, dtype=np.int64)
        self.dropped: dict[str, int] = {}
        self.arrays, self.box_size = read_h5(ann_file)
        self.ids, self.heights, self.widths = read_image_data(image_data_file)
        rows = len(self.arrays['split'])
        if rows != len(self.ids):
            raise ValueError(
                f'{ann_file} has {rows} image rows, but {image_data_file} '
                f'describes {len(self.ids)} images (its four corrupted ones '
                'left out), so rows and images cannot be matched; pass an '
                'image_data_file=... that belongs to this ann_file'
            )

    def read(
        self, split: str, num_val: int, with_relations: bool
    ) -> SceneGraphArrays:
        """Read the images of a split in the order of the file.

        Args:
            split: 'train', 'val' or 'test'.
            num_val: The first ``num_val`` usable training images are 'val',
                the others are 'train'.
            with_relations: Whether an image needs a relation to be usable; a
                box it needs in any case.

        Raises:
            ValueError: If something in the rows of these images is wrong.
        """
        images = self._images_of(split, num_val, with_relations)
        first_boxes, box_counts = self._ranges('box', 'boxes', images)
        box_rows = row_ranges(first_boxes, box_counts)
        first_relations, relation_counts = self._ranges(
            'rel', 'relationships', images
        )
        relation_rows = row_ranges(first_relations, relation_counts)
        return SceneGraphArrays(
            img_ids=self.ids[images],
            heights=self.heights[images],
            widths=self.widths[images],
            boxes=self._boxes(box_rows, np.repeat(images, box_counts)),
            labels=self._labels('labels', box_rows, self.classes, 'classes'),
            box_starts=starts_of(box_counts),
            pairs=self._pairs(
                relation_rows,
                np.repeat(images, relation_counts),
                np.repeat(first_boxes, relation_counts),
                np.repeat(box_counts, relation_counts),
            ),
            predicates=self._labels(
                'predicates', relation_rows, self.predicates, 'predicates'
            ),
            relation_starts=starts_of(relation_counts),
        )

    def _images_of(
        self, split: str, num_val: int, with_relations: bool
    ) -> np.ndarray:
        """Find the image rows (M,) of a split."""
        of_split = self.arrays['split'] == _SPLIT_NUMBERS[split]
        usable = of_split & (self.arrays['img_to_first_box'] >= 0)
        without = {'box': int(of_split.sum() - usable.sum())}
        if with_relations:
            num_with_boxes = usable.sum()
            usable &= self.arrays['img_to_first_rel'] >= 0
            without['relation'] = int(num_with_boxes - usable.sum())
        self.dropped = {f'images without {k}': n for k, n in without.items()}
        images = np.flatnonzero(usable)
        if split == 'test':
            return images
        if split == 'val':
            return images[:num_val]
        if len(images) <= num_val:
            raise ValueError(
                f'{self.ann_file} has {len(images)} usable training images '
                f'and num_val={num_val} of them are the validation set: none '
                'is left to train on; pass a smaller num_val=...'
            )
        return images[num_val:]

    def _ranges(
        self, kind: str, key: str, images: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look up first rows (M,) and counts (M,) of boxes or relations."""
        first, last = (
            self.arrays[f'img_to_{end}_{kind}'][images].astype(np.int64)
            for end in ('first', 'last')
        )
        counts = np.where(first >= 0, last - first + 1, 0)
        total = len(self.arrays[key])
        wrong = np.flatnonzero((counts < 0) | ((counts > 0) & (last >= total)))
        if len(wrong):
            row = images[wrong[0]]
            raise ValueError(
                f'{self.ann_file}: img_to_first_{kind} and img_to_last_{kind} '
                f'of row {row} (image {self.ids[row]}) are '
                f'{first[wrong[0]]} and {last[wrong[0]]}, but {key} has '
                f'{total} rows; write the file again'
            )
        return np.where(counts > 0, first, 0), counts

    def _boxes(self, rows: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Convert boxes to corners in original-image pixels, and clip."""
        widths, heights = self.widths[images], self.heights[images]
        scale = np.maximum(widths, heights) / self.box_size
        # a column at a time is several times faster than rows of four
        columns = np.ascontiguousarray(self.arrays['boxes'][rows].T)
        centres, sizes = np.split(columns * scale, 2)
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2]).T
        clipped, wrong, self.num_clipped = clip_boxes(boxes, heights, widths)
        self.degenerate = wrong
        if len(wrong) and not self.allow_degenerate:
            k = wrong[0]
            raise ValueError(
                f'{self.ann_file}: box row {rows[k]} of image '
                f'{self.ids[images[k]]} is {boxes[k].round(1).tolist()} '
                f'(x1, y1, x2, y2) in an image of {widths[k]} x {heights[k]} '
                f'pixels: no part of it is inside ({len(wrong)} such boxes); '
                'correct or remove it in the file, or pass '
                "degenerate_boxes='drop' or 'widen'"
            )
        return clipped

    def _labels(
        self, key: str, rows: np.ndarray, names: Sequence[str], field: str
    ) -> np.ndarray:
        """Number labels from 0 instead of 1, the one place that does."""
        labels = self.arrays[key][rows].astype(np.int64) - 1
        wrong = np.flatnonzero((labels < 0) | (labels >= len(names)))
        if len(wrong):
            raise ValueError(
                f'{self.ann_file}: {key} row {rows[wrong[0]]} is '
                f'{labels[wrong[0]] + 1}, outside 1..{len(names)}; for a '
                f'vocabulary of its own pass metainfo=dict({field}=[...])'
            )
        return labels

    def _pairs(
        self,
        rows: np.ndarray,
        images: np.ndarray,
        first_boxes: np.ndarray,
        box_counts: np.ndarray,
    ) -> np.ndarray:
        """Count the boxes of each pair (R, 2) within their image."""
        pairs = self.arrays['relationships'][rows].astype(np.int64)
        pairs -= first_boxes[:, None]
        inside = (pairs >= 0) & (pairs < box_counts[:, None])
        wrong = np.flatnonzero(~inside.all(axis=1))
        if len(wrong):
            k = wrong[0]
            raise ValueError(
                f'{self.ann_file}: relationships row {rows[k]} is '
                f'{self.arrays["relationships"][rows[k]].tolist()}, but the '
                f'{box_counts[k]} boxes of its image {self.ids[images[k]]} '
                f'start at row {first_boxes[k]}; write the file again'
            )
        return pairs
