"""Stanford VRD: visual relationships of 100 objects and 70 predicates."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from mmsgg.registry import DATASETS

from .bad_rows import BadRows
from .json_file import (
    compare_names,
    read_json,
    whole_number,
    whole_numbers,
)
from .scene_graph_arrays import SceneGraphArrays, offsets_from_counts
from .scene_graph_dataset import LoadedGraphs, SceneGraphDataset
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


@DATASETS.register_module()
class VRDDataset(SceneGraphDataset):
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
        **kwargs: Of :class:`SceneGraphDataset`. Another vocabulary comes as
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

    def load_graphs(self) -> LoadedGraphs:
        """Read the relations and look up the sizes of the images."""
        classes = self._metainfo['classes']
        predicates = self._metainfo['predicates']
        for path, names, field in (
            (self.objects_file, classes, 'classes'),
            (self.predicates_file, predicates, 'predicates'),
        ):
            listed = read_json(path, 'list of names', WHERE_FROM)
            compare_names(path, dict(enumerate(listed)), names, field)
        graphs = _read_graphs(
            self.ann_file, self.bad_rows, len(classes), len(predicates)
        )
        graphs = self._with_sizes(graphs)
        clipped, degenerate, num_clipped = graphs.clip_boxes()
        if self.degenerate_boxes == 'error':
            self._add_degenerate(graphs, degenerate)
        num_guessed = len(self.guessed_sizes)
        note = f'guessed {num_guessed} sizes' if num_guessed else ''
        return LoadedGraphs(clipped, num_clipped, degenerate, note=note)

    def _add_degenerate(
        self, graphs: SceneGraphArrays, degenerate: np.ndarray
    ) -> None:
        """Hand boxes without an area inside their image to the bad rows."""
        image_of_boxes = graphs.image_of_boxes()

        def describe(box: int) -> str:
            image = image_of_boxes[box]
            return (
                f'{self.ann_file}: box {graphs.boxes[box].tolist()} '
                '(x1, y1, x2, y2 from 0) of image '
                f'{graphs.file_name(image)!r} is outside its '
                f'{graphs.widths[image]} x {graphs.heights[image]} pixels; '
                'these are other images than the annotated ones, or '
                "sizes_file is wrong; with degenerate_boxes='drop' or 'widen' "
                'they are read all the same'
            )

        self.bad_rows.add('boxes without an area', degenerate, describe)

    def _with_sizes(self, graphs: SceneGraphArrays) -> SceneGraphArrays:
        """Set the sizes that are known, and remember which are guessed."""
        names = graphs.img_ids.tolist()
        sizes = np.column_stack([graphs.widths, graphs.heights])
        self.guessed_sizes = set()
        if self.sizes_file:
            known = read_json(self.sizes_file, 'file of sizes', WHERE_FROM)
            unknown = [name for name in names if name not in known]
            if unknown:
                raise ValueError(
                    f'{self.sizes_file} has no size of {len(unknown)} images, '
                    f'such as {unknown[0]!r}; add {{name: [width, height]}}'
                )
            for image, name in enumerate(names):
                sizes[image] = self._known_size(name, known[name])
        else:
            for image, name in enumerate(names):
                size = self._size_in_image(name)
                if size is None:
                    self.guessed_sizes.add(name)
                else:
                    sizes[image] = size
        widths, heights = sizes.T
        return replace(graphs, widths=widths, heights=heights)

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


def _read_graphs(
    path: str, bad_rows: BadRows, num_classes: int, num_predicates: int
) -> SceneGraphArrays:
    """Read a file of relations and find out which objects they join.

    Every relation repeats the box of its subject and of its object. Within an
    image, equal boxes of equal category are one object; objects come in the
    order of their first relation.

    Args:
        path: ``annotations_train.json`` or one of its layout: ``{image name:
            [{predicate, subject: {category, bbox}, object: {...}}, ...]}``
            with bbox = [ymin, ymax, xmin, xmax], counted from 1.
        bad_rows: Takes relations that cannot be used.
        num_classes: How many categories there are.
        num_predicates: How many predicates there are.

    Returns:
        The graphs, images as small as their boxes allow; boxes int64, the
        first and the last pixel, counted from 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another layout, or names what does not exist.
    """
    images = _read_images(path)
    relations, places = _read_relations(
        path, images, bad_rows, num_classes, num_predicates
    )
    of_image = places[:, 0]
    counts = np.bincount(of_image, minlength=len(images))
    relation_starts = offsets_from_counts(counts)
    objects, pairs = _merge(of_image, relations[:, 1:].reshape(-1, 2, 5))
    box_starts = offsets_from_counts(
        np.bincount(objects[:, 0], minlength=len(images))
    )
    ymin, ymax, xmin, xmax = objects[:, 2:].T
    sizes = np.ones((len(images), 2), dtype=np.int64)
    np.maximum.at(sizes, objects[:, 0], np.column_stack([xmax, ymax]))
    file_names = np.array(list(images), dtype=str)
    return SceneGraphArrays(
        img_ids=file_names,
        heights=sizes[:, 1],
        widths=sizes[:, 0],
        boxes=np.column_stack([xmin, ymin, xmax, ymax]) - 1,
        labels=objects[:, 1],
        box_starts=box_starts,
        pairs=pairs - box_starts[of_image][:, None],
        predicates=relations[:, 0],
        relation_starts=relation_starts,
        file_names=file_names,
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


def _read_relations(
    path: str,
    images: dict[str, list],
    bad_rows: BadRows,
    num_classes: int,
    num_predicates: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Read the relations that can be used.

    Args:
        path: As in :func:`_read_graphs`.
        images: The content of the file.
        bad_rows: As in :func:`_read_graphs`.
        num_classes: As in :func:`_read_graphs`.
        num_predicates: As in :func:`_read_graphs`.

    Returns:
        (R, 11) int64 of :func:`_numbers_of`; (R, 2) int64, the image and the
        number of each within it.
    """
    names = [*images]
    rows, places, problems = [], [], []
    for image, name in enumerate(names):
        for k, relation in enumerate(images[name]):
            try:
                rows.append(_numbers_of(relation))
                places.append((image, k))
            except (KeyError, TypeError, ValueError) as error:
                place = f'{path}: image {name!r}, relation {k}'
                problems.append(f'{place} is {relation!r}: {error}')
    bad_rows.add('bad relations', range(len(problems)), problems.__getitem__)
    relations = np.array(rows, dtype=np.int64).reshape(-1, 11)
    where = np.array(places, dtype=np.int64).reshape(-1, 2)
    keep = np.ones(len(relations), dtype=bool)
    for wrong, what in _find_wrong(relations, num_classes, num_predicates):

        def describe(row: int, what: str = what) -> str:
            image, k = where[row]
            return (
                f'{path}: image {names[image]!r}, relation {k}: {what}; '
                'predicate, then category and bbox of both are '
                f'{relations[row].tolist()}; correct or remove it'
            )

        bad_rows.add('bad relations', np.flatnonzero(wrong & keep), describe)
        keep &= ~wrong
    return relations[keep], where[keep]


def _numbers_of(relation: dict) -> list[int]:
    """Flatten a relation: predicate, then category and box of both ends.

    Raises:
        ValueError: With what is wrong with it.
    """
    try:
        values = [relation['predicate']]
        for end in ('subject', 'object'):
            values += [relation[end]['category'], *relation[end]['bbox']]
    except (KeyError, TypeError) as error:
        raise ValueError(
            'it needs predicate, subject and object, and the latter two a '
            'category and a bbox; correct or remove it'
        ) from error
    numbers = [whole_number(value) for value in values]
    if len(numbers) != 11 or None in numbers:
        raise ValueError(
            'predicate and category must be whole numbers, bbox four of '
            'them; correct or remove it'
        )
    return [number for number in numbers if number is not None]


def _find_wrong(
    relations: np.ndarray, num_classes: int, num_predicates: int
) -> list[tuple[np.ndarray, str]]:
    """Look for labels outside the vocabulary and boxes without an area.

    Args:
        relations: (R, 11) of :func:`_numbers_of`.
        num_classes: As in :func:`_read_graphs`.
        num_predicates: As in :func:`_read_graphs`.

    Returns:
        (R,) bool where something is wrong, and what it is, for each check.
    """
    predicates, labels = relations[:, 0], relations[:, [1, 6]]
    spans = relations[:, [2, 3, 4, 5, 7, 8, 9, 10]].reshape(-1, 4, 2)
    lengths = spans[..., 1] - spans[..., 0]
    return [
        (
            (predicates < 0) | (predicates >= num_predicates),
            f'its predicate is outside 0..{num_predicates - 1}',
        ),
        (
            (labels.min(axis=1) < 0) | (labels.max(axis=1) >= num_classes),
            f'a category is outside 0..{num_classes - 1}',
        ),
        (
            (spans.min(axis=(1, 2)) < 1) | (lengths.min(axis=1) <= 0),
            'a bbox is not [ymin, ymax, xmin, xmax] with 1 <= min < max',
        ),
    ]


def _merge(
    of_image: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the different objects.

    Args:
        of_image: (R,) image indices, ascending.
        ends: (R, 2, 5) category and box of subject and object.

    Returns:
        (B, 6) image, category and box in the order of first appearance;
        (R, 2) indices of them.
    """
    images = np.repeat(of_image, 2)[:, None]
    objects, first, inverse = np.unique(
        np.hstack([images, ends.reshape(-1, 5)]),
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    order = np.argsort(first)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return objects[order], ranks[inverse.reshape(-1)].reshape(-1, 2)
