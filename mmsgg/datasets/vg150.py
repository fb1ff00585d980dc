"""Visual Genome with 150 object classes and 50 predicates."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmsgg.registry import DATASETS

from .scene_graph_arrays import (
    LoadedGraphs,
    SceneGraphArrays,
    concat_ranges,
    offsets_from_counts,
)
from .scene_graph_dataset import SceneGraphDataset
from .vg150_file import (
    OWN_VAL,
    SPLIT_NUMBERS,
    check_vocabulary,
    read_h5,
    read_image_data,
)

SPLITS = ('train', 'val', 'test')

#: Names in index order (0-based), background left out: the most frequent ones
#: of Visual Genome, both in alphabetical order.
# fmt: off
VG150_CLASSES = (
    'airplane', 'animal', 'arm', 'bag', 'banana', 'basket', 'beach', 'bear',
    'bed', 'bench', 'bike', 'bird', 'board', 'boat', 'book', 'boot', 'bottle',
    'bowl', 'box', 'boy', 'branch', 'building', 'bus', 'cabinet', 'cap', 'car',
    'cat', 'chair', 'child', 'clock', 'coat', 'counter', 'cow', 'cup',
    'curtain', 'desk', 'dog', 'door', 'drawer', 'ear', 'elephant', 'engine',
    'eye', 'face', 'fence', 'finger', 'flag', 'flower', 'food', 'fork',
    'fruit', 'giraffe', 'girl', 'glass', 'glove', 'guy', 'hair', 'hand',
    'handle', 'hat', 'head', 'helmet', 'hill', 'horse', 'house', 'jacket',
    'jean', 'kid', 'kite', 'lady', 'lamp', 'laptop', 'leaf', 'leg', 'letter',
    'light', 'logo', 'man', 'men', 'motorcycle', 'mountain', 'mouth', 'neck',
    'nose', 'number', 'orange', 'pant', 'paper', 'paw', 'people', 'person',
    'phone', 'pillow', 'pizza', 'plane', 'plant', 'plate', 'player', 'pole',
    'post', 'pot', 'racket', 'railing', 'rock', 'roof', 'room', 'screen',
    'seat', 'sheep', 'shelf', 'shirt', 'shoe', 'short', 'sidewalk', 'sign',
    'sink', 'skateboard', 'ski', 'skier', 'sneaker', 'snow', 'sock', 'stand',
    'street', 'surfboard', 'table', 'tail', 'tie', 'tile', 'tire', 'toilet',
    'towel', 'tower', 'track', 'train', 'tree', 'truck', 'trunk', 'umbrella',
    'vase', 'vegetable', 'vehicle', 'wave', 'wheel', 'window', 'windshield',
    'wing', 'wire', 'woman', 'zebra',
)

VG150_PREDICATES = (
    'above', 'across', 'against', 'along', 'and', 'at', 'attached to',
    'behind', 'belonging to', 'between', 'carrying', 'covered in', 'covering',
    'eating', 'flying in', 'for', 'from', 'growing on', 'hanging from', 'has',
    'holding', 'in', 'in front of', 'laying on', 'looking at', 'lying on',
    'made of', 'mounted on', 'near', 'of', 'on', 'on back of', 'over',
    'painted on', 'parked on', 'part of', 'playing', 'riding', 'says',
    'sitting on', 'standing on', 'to', 'under', 'using', 'walking in',
    'walking on', 'watching', 'wearing', 'wears', 'with',
)
# fmt: on


@DATASETS.register_module()
class VG150Dataset(SceneGraphDataset):
    """VG150 of Xu et al. (CVPR 2017), read from its original files.

    ::

        data_root/
          VG-SGG.h5  VG-SGG-dicts.json  image_data.json
          VG_100K/*.jpg  VG_100K_2/*.jpg

    A split holds the images that have a box, in the order of the file. The
    first ``num_val`` training images (0 in ``split`` of the h5 file) are the
    validation set; in a file that marks images of its own for validation (1),
    these are, and ``num_val`` is not used. The log counts images of other
    marks, which no split reads. Items are those of
    :class:`SceneGraphDataset`; images are called ``<img_id>.jpg``.

    Args:
        ann_file: The h5 file, relative to ``data_root``.
        vocabulary_file: The JSON file of names; it must agree with the
            metainfo.
        image_data_file: The JSON file of image ids and sizes.
        data_root: Folder of the files above.
        split: 'train', 'val' or 'test'.
        num_val: How many training images are held out for validation, where
            the file has no validation images of its own.
        image_folders: As in :class:`SceneGraphDataset`.
        **kwargs: Of :class:`SceneGraphDataset`, such as the filters. A
            vocabulary of another size comes as
            ``metainfo=dict(classes=[...], predicates=[...])``.

    Raises:
        ValueError: If ``split`` is unknown or the files contradict each other
            or the metainfo.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(
        dataset_type='VG150',
        classes=VG150_CLASSES,
        predicates=VG150_PREDICATES,
    )
    PATHS = ('vocabulary_file', 'image_data_file')

    def __init__(
        self,
        ann_file: str = 'VG-SGG.h5',
        vocabulary_file: str = 'VG-SGG-dicts.json',
        image_data_file: str = 'image_data.json',
        data_root: str = 'data/vg',
        split: str = 'train',
        num_val: int = 5000,
        image_folders: Sequence[str] = ('VG_100K', 'VG_100K_2'),
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split={split!r} is none of {SPLITS}')
        self.vocabulary_file = vocabulary_file
        self.image_data_file = image_data_file
        self.split = split
        self.num_val = num_val
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            image_folders=image_folders,
            **kwargs,
        )

    def load_graphs(self) -> LoadedGraphs:
        """Read the split."""
        check_vocabulary(
            self.vocabulary_file,
            self._metainfo['classes'],
            self._metainfo['predicates'],
        )
        reader = _SplitReader(self)
        graphs, rows, dropped = reader.read()
        return self.finish(graphs, rows, 'row {}, ')._replace(
            dropped=dropped, note=reader.note_splits()
        )


class _SplitReader:
    """Reads one split, checks it and numbers its labels from 0.

    The arrays of the files go with it.

    Args:
        dataset: Says what to read; its bad rows take images, boxes and
            relations that cannot be used.

    Raises:
        ValueError: If the files are of different images.
    """

    def __init__(self, dataset: VG150Dataset) -> None:
        self.dataset = dataset
        self.bad_rows = dataset.bad_rows
        self.ann_file = dataset.ann_file
        self.arrays, self.box_size = read_h5(self.ann_file)
        num_images = len(self.arrays['split'])
        path = dataset.image_data_file
        self.ids, self.heights, self.widths = read_image_data(path, num_images)
        if num_images != len(self.ids):
            raise ValueError(
                f'{self.ann_file} has {num_images} image rows, but {path} '
                f'describes {len(self.ids)} images (the four corrupted ones '
                'of Visual Genome left out), so rows and images cannot be '
                'matched; pass an image_data_file=... that belongs to this '
                'ann_file'
            )

    def read(self) -> tuple[SceneGraphArrays, np.ndarray, dict[str, int]]:
        """Read the images of the split in the order of the file.

        Returns:
            The graphs, their boxes not clipped yet; (B,) the rows of these in
            the file; how many images were left out.

        Raises:
            ValueError: If something of these images is wrong.
        """
        images, dropped = self._images_of()
        images = self._usable(images)
        first_boxes, box_counts = self._ranges('box', images)
        boxes = concat_ranges(first_boxes, box_counts)
        first_relations, relation_counts = self._ranges('rel', images)
        relations = concat_ranges(first_relations, relation_counts)
        labels, known = self._labels('labels', 'classes', boxes)
        predicates, named = self._labels('predicates', 'predicates', relations)
        pairs, inside = self._pairs(
            relations,
            np.repeat(images, relation_counts),
            np.repeat(first_boxes, relation_counts),
            np.repeat(box_counts, relation_counts),
            named,
        )
        graphs = SceneGraphArrays(
            img_ids=self.ids[images],
            heights=self.heights[images],
            widths=self.widths[images],
            boxes=self._corners(boxes, np.repeat(images, box_counts)),
            labels=labels,
            box_starts=offsets_from_counts(box_counts),
            pairs=pairs,
            predicates=predicates,
            relation_starts=offsets_from_counts(relation_counts),
        )
        graphs = self.bad_rows.leave_out(graphs, known, named & inside)
        return graphs, boxes[known], dropped

    def _images_of(self) -> tuple[np.ndarray, dict[str, int]]:
        """Find the images (M,) of the split, and count what is not usable."""
        split, num_val = self.dataset.split, self.dataset.num_val
        own_val = (self.arrays['split'] == OWN_VAL).any()
        number = SPLIT_NUMBERS[split]
        if own_val and split == 'val':
            number = OWN_VAL
        of_split = self.arrays['split'] == number
        with_boxes = of_split & (self.arrays['img_to_first_box'] >= 0)
        usable = with_boxes
        dropped = {'images without box': int(of_split.sum() - usable.sum())}
        if self.dataset.filter_empty_relations:
            usable = with_boxes & (self.arrays['img_to_first_rel'] >= 0)
            dropped['images without relation'] = int(
                with_boxes.sum() - usable.sum()
            )
        images = np.flatnonzero(usable)
        if split == 'test' or own_val:
            return images, dropped
        if split == 'val':
            return images[:num_val], dropped
        if len(images) <= num_val:
            raise ValueError(
                f'{self.ann_file} has {len(images)} usable training images '
                f'and num_val={num_val} of them are the validation set: none '
                'is left to train on; pass a smaller num_val=...'
            )
        return images[num_val:], dropped

    def note_splits(self) -> str:
        """Say what is unusual in how the file marks splits."""
        marks, counts = np.unique(self.arrays['split'], return_counts=True)
        count_of = dict(zip(marks.tolist(), counts.tolist(), strict=True))
        notes = []
        if OWN_VAL in count_of:
            notes.append(
                f'its {count_of[OWN_VAL]} images of split value {OWN_VAL} are '
                'the validation set, and num_val is not used'
            )
        notes += [
            f'{count} images of split value {mark}, which no split reads'
            for mark, count in count_of.items()
            if mark not in (OWN_VAL, *SPLIT_NUMBERS.values())
        ]
        return '; '.join(notes)

    def _usable(self, images: np.ndarray) -> np.ndarray:
        """Leave out images (M,) without a size, or with broken ranges."""
        flat = (self.heights[images] <= 0) | (self.widths[images] <= 0)
        self.bad_rows.add(
            'bad images',
            images[flat],
            lambda image: (
                f'{self.dataset.image_data_file}: image {self.ids[image]} '
                f'is of {self.widths[image]} x {self.heights[image]} pixels; '
                'correct its width and height'
            ),
        )
        images = images[~flat]
        for kind, key in (('box', 'boxes'), ('rel', 'relationships')):
            first, last = self._bounds(kind, images)
            total = len(self.arrays[key])
            wrong = (first >= 0) & ((last < first - 1) | (last >= total))
            self._add_ranges(kind, key, images[wrong])
            images = images[~wrong]
        return images

    def _add_ranges(self, kind: str, key: str, images: np.ndarray) -> None:
        """Hand images (M,) with broken ranges to the bad rows."""

        def describe(image: int) -> str:
            first, last = self._bounds(kind, np.array([image]))
            return (
                f'{self.ann_file}: img_to_first_{kind} and img_to_last_{kind} '
                f'of row {image} (image {self.ids[image]}) are {first[0]} and '
                f'{last[0]}, but {key} has {len(self.arrays[key])} rows; '
                'write the file again'
            )

        self.bad_rows.add('bad images', images, describe)

    def _bounds(
        self, kind: str, images: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look up the first and the last row (M,) of boxes or relations."""
        return (
            self.arrays[f'img_to_first_{kind}'][images].astype(np.int64),
            self.arrays[f'img_to_last_{kind}'][images].astype(np.int64),
        )

    def _ranges(
        self, kind: str, images: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look up where boxes or relations start (M,), and counts (M,)."""
        first, last = self._bounds(kind, images)
        counts = np.where(first >= 0, last - first + 1, 0)
        return np.where(counts > 0, first, 0), counts

    def _corners(self, boxes: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Convert boxes (B,) to corners (B, 4), original-image pixels."""
        longer = np.maximum(self.widths[images], self.heights[images])
        # a column at a time is several times faster than rows of four
        columns = np.ascontiguousarray(self.arrays['boxes'][boxes].T)
        centres, sizes = np.split(columns * (longer / self.box_size), 2)
        return np.concatenate([centres - sizes / 2, centres + sizes / 2]).T

    def _labels(
        self, key: str, field: str, indices: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Number labels from 0 instead of 1, the one place that does.

        Returns:
            (M,) labels, 0 where there is none; (M,) bool, whether there is.
        """
        labels = self.arrays[key][indices].astype(np.int64) - 1
        num_names = len(self.dataset.metainfo[field])
        known = (labels >= 0) & (labels < num_names)
        self.bad_rows.add(
            'bad boxes' if field == 'classes' else 'bad relations',
            np.flatnonzero(~known),
            lambda k: (
                f'{self.ann_file}: {key} row {indices[k]} is {labels[k] + 1}, '
                f'outside 1..{num_names}; for a vocabulary of its own pass '
                f'metainfo=dict({field}=[...])'
            ),
        )
        return np.where(known, labels, 0), known

    def _pairs(
        self,
        relations: np.ndarray,
        images: np.ndarray,
        first_boxes: np.ndarray,
        box_counts: np.ndarray,
        named: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Count the boxes of each pair (R, 2) within their image.

        Returns:
            (R, 2) pairs, 0 where a box is of another image; (R,) bool,
            whether none is.
        """
        rows = self.arrays['relationships'][relations].astype(np.int64)
        pairs = rows - first_boxes[:, None]
        inside = ((pairs >= 0) & (pairs < box_counts[:, None])).all(axis=1)
        self.bad_rows.add(
            'bad relations',
            np.flatnonzero(~inside & named),  # the others are counted
            lambda k: (
                f'{self.ann_file}: relationships row {relations[k]} is '
                f'{rows[k].tolist()}, but the {box_counts[k]} boxes of its '
                f'image {self.ids[images[k]]} start at row {first_boxes[k]}; '
                'write the file again'
            ),
        )
        return np.where(inside[:, None], pairs, 0), inside
