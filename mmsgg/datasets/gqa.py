"""GQA-200: 200 object classes and 100 predicates with a long tail."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmsgg.registry import DATASETS

from .gqa_vocabulary import GQA200_CLASSES, GQA200_PREDICATES
from .json_file import compare_names, read_json
from .scene_graph_arrays import SceneGraphArrays, clip_boxes, starts_of
from .scene_graph_dataset import LoadedGraphs, SceneGraphDataset

#: The file of each split; 'val' is a part of the file of 'test'.
FILES = dict(
    train='GQA_200_Train.json',
    val='GQA_200_Test.json',
    test='GQA_200_Test.json',
)
#: The parallel lists of a file, an entry an image.
LISTS = (
    'filenames_all',
    'img_info_all',
    'gt_boxes_all',
    'gt_classes_all',
    'relationships_all',
)
WHERE_FROM = (
    'the files are GQA_200_Train.json, GQA_200_Test.json and '
    'GQA_200_ID_Info.json of GQA-200; put them into data_root, or pass '
    'data_root=... of a folder that holds them'
)


@DATASETS.register_module()
class GQA200Dataset(SceneGraphDataset):
    """GQA-200 of Dong et al. (CVPR 2022), read from its own JSON.

    ::

        data_root/
          GQA_200_Train.json  GQA_200_Test.json  GQA_200_ID_Info.json
          images/*.jpg

    The test set is the whole of its file; the validation set is the first
    ``num_val`` images of the same file. Boxes are cut off at the borders. An
    image whose boxes are all zero has lost its annotation and is left out.
    Everything that is cut, dropped or repeated is counted in the log.

    Args:
        ann_file: The file of annotations, relative to ``data_root``; that of
            the split by default.
        vocabulary_file: The JSON file of names; it must agree with the
            metainfo.
        data_root: Folder of the files above.
        split: 'train', 'val' or 'test'.
        num_val: How many images of the test file the validation set is.
        image_folders: As in :class:`SceneGraphDataset`.
        degenerate_boxes: As in :class:`SceneGraphDataset`. The test file has
            22 such boxes beside those of an image that are all zero.
        **kwargs: Of :class:`SceneGraphDataset`, such as the filters. Another
            vocabulary comes as
            ``metainfo=dict(classes=[...], predicates=[...])``.

    Raises:
        ValueError: If ``split`` is unknown or a file contradicts itself or
            the metainfo.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(
        dataset_type='GQA200',
        classes=GQA200_CLASSES,
        predicates=GQA200_PREDICATES,
    )
    PATHS = ('vocabulary_file',)

    def __init__(
        self,
        ann_file: str = '',
        vocabulary_file: str = 'GQA_200_ID_Info.json',
        data_root: str = 'data/gqa',
        split: str = 'train',
        num_val: int = 5000,
        image_folders: Sequence[str] = ('images',),
        degenerate_boxes: Literal['error', 'drop', 'widen'] = 'widen',
        **kwargs: Any,
    ) -> None:
        if split not in FILES:
            raise ValueError(f'split={split!r} is none of {(*FILES,)}')
        self.vocabulary_file = vocabulary_file
        self.split = split
        self.num_val = num_val
        super().__init__(
            ann_file=ann_file or FILES[split],
            data_root=data_root,
            image_folders=image_folders,
            degenerate_boxes=degenerate_boxes,
            **kwargs,
        )

    @property
    def title(self) -> str:
        """What the log calls the data set."""
        return f'{type(self).__name__} {self.split}'

    def load_graphs(self) -> LoadedGraphs:
        """Read the split."""
        vocabulary = read_json(
            self.vocabulary_file, 'vocabulary file', WHERE_FROM
        )
        sizes = []
        for field in ('classes', 'predicates'):
            key, names = f'ind_to_{field}', self._metainfo[field]
            # the first name is the background
            listed = dict(enumerate(vocabulary.get(key, ())))
            listed.pop(0, None)
            where = f'{self.vocabulary_file}: {key}'
            compare_names(where, listed, names, field, first=1)
            sizes.append(len(names))
        graphs = _read_graphs(self.ann_file, *sizes)
        if self.split == 'val':
            graphs = graphs.take(np.arange(min(self.num_val, len(graphs))))
        of_image = np.repeat(np.arange(len(graphs)), graphs.box_counts)
        zero = (graphs.boxes == 0).all(axis=1)
        zero = np.bincount(of_image, zero, minlength=len(graphs))
        lost = (zero == graphs.box_counts) & (graphs.box_counts > 0)
        graphs = graphs.take(np.flatnonzero(~lost))
        return self._clip(
            graphs, {'images whose boxes are all zero': int(lost.sum())}
        )

    def _clip(
        self, graphs: SceneGraphArrays, dropped: dict[str, int]
    ) -> LoadedGraphs:
        """Cut boxes off at the borders of their images."""
        of_image = np.repeat(np.arange(len(graphs)), graphs.box_counts)
        heights, widths = graphs.heights[of_image], graphs.widths[of_image]
        boxes, wrong, num_clipped = clip_boxes(graphs.boxes, heights, widths)
        if len(wrong) and self.degenerate_boxes == 'error':
            row = wrong[0]
            raise ValueError(
                f'{self.ann_file}: box {graphs.boxes[row].tolist()} of image '
                f'{graphs.file_names[of_image[row]].item()!r} has no area '
                f'inside its {widths[row]} x {heights[row]} pixels '
                f'({len(wrong)} such boxes); correct the file, or pass '
                "degenerate_boxes='drop' or 'widen'"
            )
        graphs = replace(graphs, boxes=boxes)
        return LoadedGraphs(
            graphs, num_clipped, wrong, dropped, note=_repeats_of(graphs)
        )


def _repeats_of(graphs: SceneGraphArrays) -> str:
    """Say how many relations share their pair with another one."""
    rows = np.column_stack([graphs.global_pairs(), graphs.predicates])
    on_pair, same = (
        len(rows) - len(np.unique(rows[:, :columns], axis=0))
        for columns in (2, 3)
    )
    return (
        f'{on_pair} relations on a pair that has another, {same} of them '
        'the same again'
    )


def _read_graphs(
    path: str, num_classes: int, num_predicates: int
) -> SceneGraphArrays:
    """Read a file as it is; labels become 0-based.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another layout, or names what does not exist.
    """
    lists = read_json(path, 'annotation file', WHERE_FROM)
    if not isinstance(lists, dict) or any(key not in lists for key in LISTS):
        raise ValueError(
            f'{path} lacks one of the lists {", ".join(LISTS)}; pass '
            'ann_file=... of a file in the layout of GQA_200_Test.json'
        )
    lengths = {key: len(lists[key]) for key in LISTS}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f'{path}: its lists must have an entry an image, but have '
            f'{lengths}; fetch the file again'
        )
    names = np.array(lists['filenames_all'], dtype=str)
    columns = [[], [], [], [], []]
    for name, *image in zip(*(lists[key] for key in LISTS), strict=True):
        try:
            arrays = _image_arrays(*image, num_classes, num_predicates)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{path}: image {name!r} has a wrong entry: {error}; correct '
                'or remove it'
            ) from error
        for column, array in zip(columns, arrays, strict=True):
            column.append(array)
    sizes, boxes, labels, pairs, predicates = columns
    widths, heights = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    return SceneGraphArrays(
        img_ids=np.array([Path(name).stem for name in names], dtype=str),
        heights=heights,
        widths=widths,
        boxes=np.concatenate([np.zeros((0, 4)), *boxes]),
        labels=np.concatenate([np.zeros(0, dtype=np.int64), *labels]),
        box_starts=starts_of(np.array([*map(len, boxes)], dtype=np.int64)),
        pairs=np.concatenate([np.zeros((0, 2), dtype=np.int64), *pairs]),
        predicates=np.concatenate([np.zeros(0, dtype=np.int64), *predicates]),
        relation_starts=starts_of(
            np.array([*map(len, pairs)], dtype=np.int64)
        ),
        file_names=names,
    )


def _image_arrays(
    size: dict,
    boxes: list,
    classes: list,
    relations: list,
    num_classes: int,
    num_predicates: int,
) -> tuple[np.ndarray, ...]:
    """Check the entries of one image.

    Returns:
        [width, height], boxes (N, 4), 0-based labels (N,), pairs (R, 2) and
        0-based predicates (R,).

    Raises:
        ValueError: If a number is out of its range.
    """
    size = np.array([size['width'], size['height']], dtype=np.int64)
    boxes = np.array(boxes, dtype=np.float64).reshape(len(boxes), 4)
    labels = np.array(classes, dtype=np.int64) - 1
    rows = np.array(relations, dtype=np.int64).reshape(len(relations), 3)
    pairs, predicates = rows[:, :2], rows[:, 2] - 1
    if len(labels) != len(boxes):
        raise ValueError(f'{len(boxes)} boxes, but {len(labels)} classes')
    for what, values, end in (
        ('classes', labels, num_classes),
        ('box rows', pairs, len(boxes)),
        ('predicates', predicates, num_predicates),
    ):
        if ((values < 0) | (values >= end)).any():
            raise ValueError(f'{what} that are none of the {end} there are')
    if (size <= 0).any():
        raise ValueError(f'a size of {size.tolist()} pixels')
    return size, boxes, labels, pairs, predicates
