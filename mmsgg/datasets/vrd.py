"""Stanford VRD: visual relationships of 100 objects and 70 predicates."""

import os.path as osp
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from mmsgg.registry import DATASETS

from .image_list_dataset import ImageEntry, ImageListDataset
from .json_file import (
    compare_names,
    read_json,
    whole_number,
    whole_numbers,
)
from .scene_graph_arrays import LoadedGraphs
from .transforms.loading import BrokenImageError

#: Names in the order of ``objects.json`` and ``predicates.json`` (0-based).
# fmt: off
VRD_CLASSES = (
    'person', 'sky', 'building', 'truck', 'bus', 'table', 'shirt', 'chair',
    'car', 'train', 'glasses', 'tree', 'boat', 'hat', 'trees', 'grass',
    'pants', 'road', 'motorbike', 'jacket', 'monitor', 'wheel', 'umbrella',
    'plate', 'bike', 'clock', 'bag', 'shoe', 'laptop', 'desk', 'cabinet',
    'counter', 'bench', 'shoes', 'tower', 'bottle', 'helmet', 'stove', 'lamp',
    'coat', 'bed', 'dog', 'mountain', 'horse', 'plane', 'roof', 'skateboard',
    'traffic light', 'bush', 'phone', 'airplane', 'sofa', 'cup', 'sink',
    'shelf', 'box', 'van', 'hand', 'shorts', 'post', 'jeans', 'cat',
    'sunglasses', 'bowl', 'computer', 'pillow', 'pizza', 'basket', 'elephant',
    'kite', 'sand', 'keyboard', 'plant', 'can', 'vase', 'refrigerator', 'cart',
    'skis', 'pot', 'surfboard', 'paper', 'mouse', 'trash can', 'cone',
    'camera', 'ball', 'bear', 'giraffe', 'tie', 'luggage', 'faucet', 'hydrant',
    'snowboard', 'oven', 'engine', 'watch', 'face', 'street', 'ramp',
    'suitcase',
)

VRD_PREDICATES = (
    'on', 'wear', 'has', 'next to', 'sleep next to', 'sit next to',
    'stand next to', 'park next', 'walk next to', 'above', 'behind',
    'stand behind', 'sit behind', 'park behind', 'in the front of', 'under',
    'stand under', 'sit under', 'near', 'walk to', 'walk', 'walk past', 'in',
    'below', 'beside', 'walk beside', 'over', 'hold', 'by', 'beneath', 'with',
    'on the top of', 'on the left of', 'on the right of', 'sit on', 'ride',
    'carry', 'look', 'stand on', 'use', 'at', 'attach to', 'cover', 'touch',
    'watch', 'against', 'inside', 'adjacent to', 'across', 'contain', 'drive',
    'drive on', 'taller than', 'eat', 'park on', 'lying on', 'pull', 'talk',
    'lean on', 'fly', 'face', 'play with', 'sleep on', 'outside of', 'rest on',
    'follow', 'hit', 'feed', 'kick', 'skate on',
)
# fmt: on

WHERE_FROM = (
    'the files are annotations_train.json, annotations_test.json, '
    'objects.json and predicates.json of Stanford VRD; put them into '
    'data_root, or pass data_root=... of a folder that holds them'
)

#: An end of a relation: category, ymin, ymax, xmin, xmax.
End = tuple[int, ...]


@DATASETS.register_module()
class VRDDataset(ImageListDataset):
    """Stanford VRD of Lu et al. (ECCV 2016), read from its own JSON.

    ::

        data_root/
          annotations_train.json  annotations_test.json
          objects.json  predicates.json
          sg_train_images/*  sg_test_images/*

    Every relation of the files repeats its two objects; equal boxes of equal
    category are one instance here. Images without relations have no boxes
    either (45 of the 1000 test images).

    A bbox of the files is [ymin, ymax, xmin, xmax] of the first and the last
    pixel, counted from 1. All four become one less: [x1, y1, x2, y2] of the
    first and the last pixel, counted from 0. The metric, which takes the
    last pixel as a part of a box (+1), then gives the IoU of the original
    evaluation.

    Args:
        ann_file: The file of relations, relative to ``data_root``.
        objects_file: The list of object names; it must agree with the
            metainfo.
        predicates_file: The list of predicate names, likewise.
        sizes_file: JSON ``{image name: [width, height]}``, for where the
            images are not at hand. Without it sizes are read from the heads
            of the images; for an image that is not there, and for all of
            them with ``image_folders=()``, the boxes tell the least size
            that they fit into.
        data_root: Folder of the files above.
        image_folders: As in :class:`SceneGraphDataset`.
        filter_self_relations: Whether to drop relations of a box to itself,
            of which the files have some. Off, because the published counts
            and scores include them.
        **kwargs: Of :class:`NamesInFileDataset`. Another vocabulary comes as
            ``metainfo=dict(classes=[...], predicates=[...])``.

    Raises:
        ValueError: If the files contradict the metainfo or themselves.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(
        dataset_type='VRD', classes=VRD_CLASSES, predicates=VRD_PREDICATES
    )
    PATHS = ('objects_file', 'predicates_file', 'sizes_file')

    def __init__(
        self,
        ann_file: str = 'annotations_train.json',
        objects_file: str = 'objects.json',
        predicates_file: str = 'predicates.json',
        sizes_file: str = '',
        data_root: str = 'data/vrd',
        image_folders: Sequence[str] = ('sg_train_images', 'sg_test_images'),
        filter_self_relations: bool = False,
        **kwargs: Any,
    ) -> None:
        self.objects_file = objects_file
        self.predicates_file = predicates_file
        self.sizes_file = sizes_file
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            image_folders=image_folders,
            filter_self_relations=filter_self_relations,
            **kwargs,
        )

    def read_file(self) -> LoadedGraphs:
        """Read the relations and look up the sizes of the images."""
        #: Ids of images whose sizes are nowhere stated.
        self.guessed_sizes: set[str] = set()
        loaded = super().read_file()
        num_guessed = len(self.guessed_sizes)
        note = f'guessed {num_guessed} sizes' if num_guessed else ''
        return loaded._replace(note=note)

    def read_images(self) -> Iterator[tuple[str, Any]]:
        """List the name, size and usable relations of each image."""
        for path, field in (
            (self.objects_file, 'classes'),
            (self.predicates_file, 'predicates'),
        ):
            listed = enumerate(read_json(path, 'list of names', WHERE_FROM))
            names = self._metainfo[field]
            compare_names(path, dict(listed), names, field)
        images = read_json(self.ann_file, 'annotation file', WHERE_FROM)
        if not isinstance(images, dict):
            raise ValueError(
                f'{self.ann_file} is a {type(images).__name__} instead of a '
                'dict from image names to relations; pass ann_file=... of a '
                'file in the layout of annotations_train.json'
            )
        sizes = self._known_sizes([*images]) if self.sizes_file else None
        problems = []
        for name, relations in images.items():
            size = sizes[name] if sizes else self._size_in_image(name)
            usable = []
            for k, relation in enumerate(relations):
                try:
                    usable.append(self._read_relation(relation))
                except ValueError as error:
                    problems.append(
                        f'{self.ann_file}: image {name!r}, relation {k} is '
                        f'{relation!r}: {error}; correct or remove it'
                    )
            yield name, (name, size, usable)
        self.bad_rows.add(
            'bad relations', range(len(problems)), problems.__getitem__
        )

    def parse(self, entry: Any) -> ImageEntry:
        """Find out which objects the relations of an image join.

        Equal boxes of equal category are one object; objects come in the
        order of their first relation.
        """
        name, size, relations = entry
        rows: dict[End, int] = {}
        triplets = [
            [*(rows.setdefault(end, len(rows)) for end in ends), predicate]
            for *ends, predicate in relations
        ]
        objects = np.array([*rows], dtype=np.int64).reshape(-1, 5)
        boxes = objects[:, [3, 1, 4, 2]] - 1  # the file counts from 1
        if size is None:
            self.guessed_sizes.add(name)
            size = boxes[:, 2:].max(axis=0, initial=0) + 1
        return ImageEntry(name, name, size, boxes, objects[:, 0], triplets)

    def get_data_info(self, idx: int) -> dict:
        """Build one item; for a pipeline it says where its size is guessed.

        Args:
            idx: Its number; negative ones count from the end.
        """
        item = super().get_data_info(idx)
        if item['img_id'] in self.guessed_sizes and self.pipeline.transforms:
            item['size_is_guessed'] = True
        return item

    def _read_relation(self, relation: dict) -> tuple[End, End, int]:
        """Read subject, object and predicate.

        Raises:
            ValueError: With what is wrong with the relation.
        """
        try:
            values = [relation['predicate']]
            for end in ('subject', 'object'):
                values += [relation[end]['category'], *relation[end]['bbox']]
        except (KeyError, TypeError) as error:
            raise ValueError(
                'it needs predicate, subject and object, and the latter two '
                'a category and a bbox'
            ) from error
        numbers = tuple(
            n for v in values if (n := whole_number(v)) is not None
        )
        if len(values) != 11 or len(numbers) != 11:
            raise ValueError(
                'predicate and category must be whole numbers, bbox four of '
                'them'
            )
        predicate, subject, obj = numbers[0], numbers[1:6], numbers[6:]
        last = len(self._metainfo['predicates']) - 1
        if not 0 <= predicate <= last:
            raise ValueError(f'its predicate is outside 0..{last}')
        last = len(self._metainfo['classes']) - 1
        for category, ymin, ymax, xmin, xmax in (subject, obj):
            if not 0 <= category <= last:
                raise ValueError(f'a category is outside 0..{last}')
            if not (1 <= ymin < ymax and 1 <= xmin < xmax):
                raise ValueError(
                    'a bbox is not [ymin, ymax, xmin, xmax] with 1 <= min < '
                    'max'
                )
        return subject, obj, predicate

    def _known_sizes(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read the sizes of images, [width, height], from ``sizes_file``."""
        known = read_json(self.sizes_file, 'file of sizes', WHERE_FROM)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(
                f'{self.sizes_file} has no size of {len(unknown)} images, '
                f'such as {unknown[0]!r}; add {{name: [width, height]}}'
            )
        return {name: self._known_size(name, known[name]) for name in names}

    def _known_size(self, name: str, size: Any) -> np.ndarray:
        """Check a [width, height] of ``sizes_file``."""
        try:
            sides = whole_numbers(size)
        except (TypeError, ValueError):
            sides = np.zeros(0)
        if sides.shape != (2,) or sides.min() <= 0:
            raise ValueError(
                f'{self.sizes_file}: the size of {name!r} is {size!r} instead '
                'of [width, height] in whole pixels; correct it'
            )
        return sides

    def _size_in_image(self, name: str) -> tuple[int, int] | None:
        """Read (width, height) off an image, None where it is not there."""
        for folder in self.image_folders:
            path = osp.join(self.data_prefix.get('img', ''), folder, name)
            if osp.isfile(path):
                try:
                    with Image.open(path) as image:
                        return image.size
                except OSError as error:
                    if self.skip_broken_images:
                        return None
                    raise BrokenImageError(
                        f'{path} does not open as an image ({error}); fetch '
                        'it again'
                    ) from error
        return None
