"""Visual Genome with 150 object classes and 50 predicates."""

import copy
import os.path as osp
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.fileio import join_path
from mmengine.logging import print_log
from mmengine.utils import is_abs

from mmsgg.registry import DATASETS

from .scene_graph_arrays import SceneGraphArrays, boxes_overlap
from .vg150_file import check_vocabulary
from .vg150_reader import SPLITS, VG150Reader
from .vg150_vocabulary import VG150_CLASSES, VG150_PREDICATES


@DATASETS.register_module()
class VG150Dataset(BaseDataset):
    """VG150 of Xu et al. (CVPR 2017), read from its original files.

    ::

        data_root/
          VG-SGG.h5  VG-SGG-dicts.json  image_data.json
          VG_100K/*.jpg  VG_100K_2/*.jpg

    A split holds the images that have a box, in the order of the file. The
    first ``num_val`` training images are the validation set. An item is

    ``img_path, img_id, height, width, instances=[dict(bbox, bbox_label,
    ignore_flag)], relations=[dict(pair, predicate_label)], sample_idx``

    with boxes in original-image pixels, labels from 0, and ``pair`` =
    [subject, object] counted in ``instances``. Relations of a box to itself
    are dropped. Items are built on demand out of :attr:`scene_graphs`;
    ``serialize_data`` has nothing left to do.

    Args:
        ann_file: The h5 file, relative to ``data_root``.
        vocabulary_file: The JSON file of names; it must agree with the
            metainfo.
        image_data_file: The JSON file of image ids and sizes.
        data_root: Folder of the files above.
        data_prefix: ``img``: the folder that holds ``image_folders``.
        image_folders: Where to look for ``<img_id>.jpg``, in this order. With
            none, ``img_path`` is that name under ``data_prefix`` and nobody
            looks, which serves models that need no images.
        split: 'train', 'val' or 'test'.
        num_val: How many training images are held out for validation.
        filter_empty_relations: Whether to drop images without relations.
        filter_non_overlap: Whether to drop relations whose boxes do not
            overlap.
        filter_duplicate_relations: Whether an item keeps only one relation of
            each [subject, object], drawn anew whenever it is fetched, by
            numpy's global generator.
        **kwargs: Of :class:`mmengine.dataset.BaseDataset`. A vocabulary of
            another size comes as ``metainfo=dict(classes=[...],
            predicates=[...])``.

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

    def __init__(
        self,
        ann_file: str = 'VG-SGG.h5',
        vocabulary_file: str = 'VG-SGG-dicts.json',
        image_data_file: str = 'image_data.json',
        data_root: str = 'data/vg',
        data_prefix: dict = dict(img=''),  # noqa: B006
        image_folders: Sequence[str] = ('VG_100K', 'VG_100K_2'),
        split: str = 'train',
        num_val: int = 5000,
        filter_empty_relations: bool = False,
        filter_non_overlap: bool = False,
        filter_duplicate_relations: bool = False,
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split={split!r} is none of {SPLITS}')
        self.vocabulary_file = vocabulary_file
        self.image_data_file = image_data_file
        self.image_folders = tuple(image_folders)
        self.split = split
        self.num_val = num_val
        self.filter_empty_relations = filter_empty_relations
        self.filter_non_overlap = filter_non_overlap
        self.filter_duplicate_relations = filter_duplicate_relations
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=data_prefix,
            **kwargs,
        )

    def _join_prefix(self) -> None:
        """Join ``data_root`` with every path."""
        super()._join_prefix()
        for name in ('vocabulary_file', 'image_data_file'):
            path = getattr(self, name)
            if not is_abs(path) and self.data_root:
                setattr(self, name, join_path(self.data_root, path))

    def full_init(self) -> None:
        """Read the files, unless that is done."""
        if self._fully_initialized:
            return
        graphs = self._load_scene_graphs()
        if self._indices is not None:
            graphs = graphs.take(_image_rows(self._indices, len(graphs)))
        self._scene_graphs = graphs
        self._fully_initialized = True

    def _load_scene_graphs(self) -> SceneGraphArrays:
        """Read the split, filter it and log what became of it."""
        classes, predicates = (
            self._metainfo[key] for key in ('classes', 'predicates')
        )
        check_vocabulary(self.vocabulary_file, classes, predicates)
        reader = VG150Reader(
            self.ann_file, self.image_data_file, classes, predicates
        )
        graphs = reader.read(
            self.split, self.num_val, self.filter_empty_relations
        )
        dropped = {}
        keep = graphs.pairs[:, 0] != graphs.pairs[:, 1]
        dropped['relations of a box to itself'] = int((~keep).sum())
        graphs = graphs.keep_relations(keep)
        if self.filter_non_overlap:
            ends = graphs.boxes[graphs.global_pairs()]
            keep = boxes_overlap(ends[:, 0], ends[:, 1])
            dropped['relations without overlap'] = int((~keep).sum())
            graphs = graphs.keep_relations(keep)
        if self.filter_empty_relations:
            # the file's count includes the relations that were just dropped
            keep = graphs.relation_counts > 0
            dropped['images left without relation'] = int((~keep).sum())
            graphs = graphs.take(np.flatnonzero(keep))
        losses = ', '.join(
            f'{count} {what}' for what, count in dropped.items()
        )
        print_log(
            f'{type(self).__name__} {self.split}: kept {len(graphs)} images, '
            f'{len(graphs.boxes)} boxes ({reader.num_clipped} clipped to '
            f'their image) and {len(graphs.pairs)} relations; '
            f'dropped {losses}',
            logger='current',
        )
        return graphs

    @property
    @force_full_init
    def scene_graphs(self) -> SceneGraphArrays:
        """All graphs of the data set, for whoever counts over them."""
        return self._scene_graphs

    def __len__(self) -> int:
        return len(self.scene_graphs)

    def get_data_info(self, idx: int) -> dict:
        """Build one item.

        Args:
            idx: Its number; negative ones count from the end.

        Raises:
            IndexError: If there is no such item.
            FileNotFoundError: If its image is in none of the folders.
        """
        graphs = self.scene_graphs
        idx = self._image_row(idx)
        first, last = graphs.box_starts[idx : idx + 2]
        boxes = graphs.boxes[first:last].tolist()
        labels = graphs.labels[first:last].tolist()
        img_id = graphs.img_ids[idx].item()
        return dict(
            img_path=self._find_image(img_id),
            img_id=img_id,
            height=graphs.heights[idx].item(),
            width=graphs.widths[idx].item(),
            instances=[
                dict(bbox=box, bbox_label=label, ignore_flag=0)
                for box, label in zip(boxes, labels, strict=True)
            ],
            relations=[
                dict(pair=pair, predicate_label=predicate)
                for pair, predicate in self._relations_of(idx)
            ],
            sample_idx=idx,
        )

    def _image_row(self, idx: int) -> int:
        """Count from the start, and refuse what is not there."""
        size = len(self)
        if not -size <= idx < size:
            raise IndexError(f'no image {idx} in a data set of {size}')
        return int(idx) % size

    def _relations_of(self, idx: int) -> list[tuple[list[int], int]]:
        """List the relations of an image, duplicates drawn if asked for."""
        first, last = self._scene_graphs.relation_starts[idx : idx + 2]
        pairs = self._scene_graphs.pairs[first:last]
        predicates = self._scene_graphs.predicates[first:last]
        if self.filter_duplicate_relations:
            order = np.random.permutation(len(pairs))
            _, drawn = np.unique(pairs[order], axis=0, return_index=True)
            kept = np.sort(order[drawn])
            pairs, predicates = pairs[kept], predicates[kept]
        return list(zip(pairs.tolist(), predicates.tolist(), strict=True))

    def _find_image(self, img_id: int | str) -> str:
        name = f'{img_id}.jpg'
        root = self.data_prefix.get('img', '')
        if not self.image_folders:
            return osp.join(root, name)
        folders = [osp.join(root, folder) for folder in self.image_folders]
        for folder in folders:
            path = osp.join(folder, name)
            if osp.isfile(path):
                return path
        raise FileNotFoundError(
            f'image {name} is in none of {folders}; unpack the images there, '
            'or pass data_prefix=dict(img=...) and image_folders=(...)'
        )

    def get_cat_ids(self, idx: int) -> list[int]:
        """List the classes in an image, one entry a box."""
        idx = self._image_row(idx)
        first, last = self.scene_graphs.box_starts[idx : idx + 2]
        return self.scene_graphs.labels[first:last].tolist()

    def relation_triplets(self) -> np.ndarray:
        """Name all relations of the data set by their classes.

        Returns:
            (R, 3) int64 [subject class, object class, predicate], 0-based,
            with every predicate of a pair that has several.
        """
        return self.scene_graphs.triplets()

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        """Keep some images.

        Args:
            indices: Their numbers; or how many of the first (of the last, if
                negative) to keep.
        """
        graphs = self.scene_graphs
        self._scene_graphs = graphs.take(_image_rows(indices, len(graphs)))

    def get_subset(self, indices: Sequence[int] | int) -> 'VG150Dataset':
        """Copy the data set with some of its images only.

        Args:
            indices: As in :meth:`get_subset_`.
        """
        graphs = self.scene_graphs
        subset = self._copy_without_annotation()
        subset._scene_graphs = graphs.take(_image_rows(indices, len(graphs)))
        return subset

    def _copy_without_annotation(
        self, memo: dict | None = None
    ) -> 'VG150Dataset':
        """Copy settings and pipeline; arrays are shared, nobody writes."""
        subset = copy.copy(self)
        subset.pipeline = copy.deepcopy(self.pipeline, memo)
        subset._metainfo = copy.deepcopy(self._metainfo, memo)
        return subset


def _image_rows(indices: Sequence[int] | int, size: int) -> np.ndarray:
    """Turn what BaseDataset calls indices into image rows (M,)."""
    rows = np.arange(size)
    if isinstance(indices, int):
        return rows[:indices] if indices >= 0 else rows[indices:]
    return rows[np.asarray(indices, dtype=np.int64)]
