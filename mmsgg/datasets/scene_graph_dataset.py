"""What all data sets of scene graphs have in common."""

import copy
import logging
import os.path as osp
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.fileio import join_path
from mmengine.logging import print_log
from mmengine.utils import is_abs

from mmsgg.structures.bbox import boxes_overlap

from .bad_rows import BadRows
from .dataset_checks import check_names, check_options, check_pipeline
from .scene_graph_arrays import LoadedGraphs, SceneGraphArrays
from .transforms.loading import (
    BrokenImageError,
    MissingImageError,
    check_image_size,
)


class SceneGraphDataset(BaseDataset):
    """Scene graphs in flat arrays, of which items are built on demand.

    A data set implements :meth:`load_graphs`, which reads its files into
    :class:`SceneGraphArrays`; filters, items, subsets and the log are here.
    An item is

    ``img_path, img_id, height, width, instances=[dict(bbox, bbox_label,
    ignore_flag)], relations=[dict(pair, predicate_label)], sample_idx``

    with boxes in original-image pixels, labels from 0, and ``pair`` =
    [subject, object] counted in ``instances``. ``serialize_data`` has nothing
    to do: the workers of a loader share the arrays. Regions to ignore come
    last in ``instances``, with ``ignore_flag=1``; nothing is related to them.

    An item whose image is of another size than annotated is refused.

    Args:
        ann_file: The file of annotations, relative to ``data_root``.
        data_root: Folder of the files.
        data_prefix: ``img``: the folder that holds ``image_folders``.
        image_folders: Where to look for an image, in this order. With none,
            ``img_path`` is its name under ``data_prefix`` and nobody looks,
            which serves models that need no images.
        filter_empty_relations: Whether to drop images without relations.
        filter_self_relations: Whether to drop relations of a box to itself.
            No model predicts such a pair.
        filter_non_overlap: Whether to drop relations whose boxes do not
            overlap.
        filter_duplicate_relations: Whether an item keeps only one relation of
            each [subject, object], drawn anew whenever it is fetched, by
            numpy's global generator.
        bad_rows: What becomes of images, boxes and relations of the file
            that cannot be used, such as a relation of a box that is not
            there: 'error' refuses the file, 'drop' leaves them out, with all
            that refers to them, and the log says how many.
        degenerate_boxes: The same for boxes that have no area inside their
            image, by default as ``bad_rows`` says. 'widen' keeps them and
            makes them a pixel wide and high.
        skip_broken_images: Whether training takes another image, drawn at
            random, where one is missing or does not decode; the log names
            each and counts them. Not in ``test_mode``: scores are of all
            images.
        filter_cfg: As in mmdet's data sets, and in training only:
            ``filter_empty_gt=True`` drops images without an object,
            ``min_size=32`` those whose shorter side is less.
        **kwargs: Of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        ValueError: If an option is none of the words above, or images are to
            be skipped in a test.
    """

    #: Attributes with paths relative to ``data_root``, beside ``ann_file``.
    PATHS: tuple[str, ...] = ()
    pixel_side = 1  #: x2 - x1 of a box that was widened to a pixel

    _fully_initialized: bool
    _scene_graphs: SceneGraphArrays

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        data_prefix: dict = dict(img=''),  # noqa: B006
        image_folders: Sequence[str] = ('',),
        filter_empty_relations: bool = False,
        filter_self_relations: bool = True,
        filter_non_overlap: bool = False,
        filter_duplicate_relations: bool = False,
        bad_rows: Literal['error', 'drop'] = 'error',
        degenerate_boxes: Literal['error', 'drop', 'widen'] | None = None,
        skip_broken_images: bool = False,
        filter_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        degenerate_boxes = degenerate_boxes or bad_rows
        check_options(
            type(self).__name__,
            filter_cfg,
            bad_rows=bad_rows,
            degenerate_boxes=degenerate_boxes,
        )
        if skip_broken_images and kwargs.get('test_mode'):
            raise ValueError(
                f'{type(self).__name__}: skip_broken_images=True is for '
                'training, and this data set is in test_mode; leave it out, '
                'and fetch the images that are missing'
            )
        self.image_folders = tuple(image_folders)
        self.filter_empty_relations = filter_empty_relations
        self.filter_self_relations = filter_self_relations
        self.filter_non_overlap = filter_non_overlap
        self.filter_duplicate_relations = filter_duplicate_relations
        self.bad_rows = BadRows(drop=bad_rows == 'drop')
        self.degenerate_boxes = degenerate_boxes
        self.skip_broken_images = skip_broken_images
        self._broken_images: set[str] = set()
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=data_prefix,
            filter_cfg=filter_cfg,
            **kwargs,
        )

    def _join_prefix(self) -> None:
        """Join ``data_root`` with every path."""
        super()._join_prefix()
        for name in self.PATHS:
            path = getattr(self, name)
            if path and not is_abs(path) and self.data_root:
                setattr(self, name, join_path(self.data_root, path))

    def load_graphs(self) -> LoadedGraphs:
        """Read the files, relations of boxes to themselves included."""
        raise NotImplementedError

    def finish(
        self,
        graphs: SceneGraphArrays,
        rows: np.ndarray | None = None,
        row: str = '',
    ) -> LoadedGraphs:
        """Clip the boxes, and look for those without an area.

        Args:
            graphs: As the file has them.
            rows: (B,) where the boxes are in the file, for messages.
            row: How the file calls such a place, as 'row {}, '.
        """
        clipped, degenerate, num_clipped = graphs.clip_boxes()
        if rows is not None:
            degenerate = degenerate[np.argsort(rows[degenerate])]

        def describe(box: int) -> str:
            image = int(np.searchsorted(graphs.box_starts, box, 'right')) - 1
            place = '' if rows is None else row.format(rows[box])
            return (
                f'{self.ann_file}: box {place}'
                f'{graphs.boxes[box].round(1).tolist()} (x1, y1, x2, y2) of '
                f'image {graphs.file_name(image)!r} has no area inside its '
                f'{graphs.widths[image]} x {graphs.heights[image]} pixels; '
                'correct the box or the size of the image, or pass '
                "degenerate_boxes='drop' or 'widen'"
            )

        if self.degenerate_boxes == 'error':
            self.bad_rows.add('boxes without an area', degenerate, describe)
        return LoadedGraphs(clipped, num_clipped, degenerate)

    @property
    def title(self) -> str:
        """What the log calls the data set."""
        part = getattr(self, 'split', osp.basename(self.ann_file))
        return f'{type(self).__name__} {part}'

    def full_init(self) -> None:
        """Read the files, unless that is done."""
        if self._fully_initialized:
            return
        loaded = self.load_graphs()
        for field in ('classes', 'predicates'):
            names = self.metainfo.get(field, ())
            check_names(self.title, self.ann_file, field, names)
        names = self.metainfo.get('predicates', ())
        check_pipeline(self.title, self.pipeline, names, self.test_mode)
        dropped = loaded.dropped | self.bad_rows.counts
        graphs, note = self._without_degenerate(loaded, dropped)
        graphs = self._filter(graphs, dropped)
        notes = [note, loaded.note]
        if graphs.ignored is not None:
            notes.append(f'{len(graphs.ignored.boxes)} regions to ignore')
        losses = ', '.join(f'{num} {what}' for what, num in dropped.items())
        print_log(
            f'{self.title}: kept {len(graphs)} images, {len(graphs.boxes)} '
            f'boxes ({loaded.num_clipped} clipped to their image) and '
            f'{len(graphs.pairs)} relations; dropped {losses or "nothing"}'
            + ''.join(f'; {text}' for text in notes if text),
            logger='current',
        )
        self._scene_graphs = graphs
        self._fully_initialized = True
        if self._indices is not None:
            self.get_subset_(self._indices)

    def _without_degenerate(
        self, loaded: LoadedGraphs, dropped: dict[str, int]
    ) -> tuple[SceneGraphArrays, str]:
        """Drop or widen boxes without an area, and say how many."""
        graphs, degenerate = loaded.graphs, loaded.degenerate
        if not len(degenerate):
            return graphs, ''
        if self.degenerate_boxes == 'widen':
            if np.isnan(graphs.boxes[degenerate]).any():
                raise ValueError(
                    f'{self.title}: a box has coordinates that are no '
                    'numbers, which cannot be widened; correct the file, or '
                    "pass degenerate_boxes='drop'"
                )
            wide = graphs.widen_boxes(degenerate, self.pixel_side)
            number = (wide.boxes != graphs.boxes).any(axis=1).sum()
            return wide, f'widened {number} boxes' if number else ''
        rows = np.arange(len(graphs.boxes))
        kept = graphs.keep_boxes(np.isin(rows, degenerate, invert=True))
        dropped['boxes without an area'] = len(degenerate)
        lost = len(graphs.pairs) - len(kept.pairs)
        dropped['relations of such boxes'] = lost
        return kept, ''

    def _filter(
        self, graphs: SceneGraphArrays, dropped: dict[str, int]
    ) -> SceneGraphArrays:
        """Drop what the options say, and count it in ``dropped``."""

        def keep_images(keep: np.ndarray, what: str) -> SceneGraphArrays:
            dropped[f'images {what}'] = int((~keep).sum())
            return graphs.take(np.flatnonzero(keep))

        def keep_relations(keep: np.ndarray, what: str) -> SceneGraphArrays:
            dropped[f'relations {what}'] = int((~keep).sum())
            return graphs.keep_relations(keep)

        if self.filter_self_relations:
            keep = graphs.pairs[:, 0] != graphs.pairs[:, 1]
            graphs = keep_relations(keep, 'of a box to itself')
        if self.filter_non_overlap:
            ends = graphs.boxes[graphs.global_pairs()]
            keep = boxes_overlap(ends[:, 0], ends[:, 1])
            graphs = keep_relations(keep, 'without overlap')
        if self.filter_empty_relations:
            graphs = keep_images(
                graphs.relation_counts > 0, 'in which no relation remains'
            )
        options = {} if self.test_mode else self.filter_cfg or {}
        if options.get('filter_empty_gt'):
            graphs = keep_images(graphs.box_counts > 0, 'without object')
        if 'min_size' in options:
            sides = np.minimum(graphs.widths, graphs.heights)
            graphs = keep_images(
                sides >= options['min_size'], 'below min_size'
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
        idx = self._image_index(idx)
        instances = _instances(graphs, idx, ignore_flag=0)
        if graphs.ignored is not None:
            instances += _instances(graphs.ignored, idx, ignore_flag=1)
        return dict(
            img_path=self._find_image(idx),
            img_id=graphs.img_ids[idx].item(),
            height=graphs.heights[idx].item(),
            width=graphs.widths[idx].item(),
            instances=instances,
            relations=self._relations_of(idx),
            sample_idx=idx,
        )

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on an item.

        Args:
            idx: Its number.

        Returns:
            What the pipeline makes; None where the image is broken and
            training is to go on with another.

        Raises:
            ValueError: If the image is of another size than annotated.
        """
        try:
            item = self.get_data_info(idx)
            stated = dict(item)  # transforms write into the item
            results = self.pipeline(item)
        except (BrokenImageError, MissingImageError) as error:
            if not self.skip_broken_images or self.test_mode:
                raise
            self._count_broken(str(error))
            return None
        shape = _original_shape(results)
        if shape is not None:
            # of loaders that do not look, as mmdet's
            check_image_size(stated, shape)
        return results

    def _count_broken(self, reason: str) -> None:
        """Name a broken image in the log, once a process."""
        if reason not in self._broken_images:
            self._broken_images.add(reason)
            print_log(
                f'{self.title}: another image is taken for one that is '
                f'broken, the {len(self._broken_images)}. of this process: '
                f'{reason}',
                logger='current',
                level=logging.WARNING,
            )

    def _image_index(self, idx: int) -> int:
        """Count from the start, and refuse what is not there."""
        size = len(self)
        if not -size <= idx < size:
            raise IndexError(f'no image {idx} in a data set of {size}')
        return int(idx) % size

    def _relations_of(self, idx: int) -> list[dict]:
        """List the relations of an image, duplicates drawn if asked for."""
        first, last = self._scene_graphs.relation_starts[idx : idx + 2]
        pairs = self._scene_graphs.pairs[first:last]
        predicates = self._scene_graphs.predicates[first:last]
        if self.filter_duplicate_relations:
            order = np.random.permutation(len(pairs))
            _, drawn = np.unique(pairs[order], axis=0, return_index=True)
            kept = np.sort(order[drawn])
            pairs, predicates = pairs[kept], predicates[kept]
        rows = zip(pairs.tolist(), predicates.tolist(), strict=True)
        return [dict(pair=pair, predicate_label=label) for pair, label in rows]

    def _find_image(self, idx: int) -> str:
        name = self._scene_graphs.file_name(idx)
        root = self.data_prefix.get('img', '')
        if not self.image_folders:
            return osp.join(root, name)
        folders = [osp.join(root, folder) for folder in self.image_folders]
        for folder in folders:
            path = osp.join(folder, name)
            if osp.isfile(path):
                return path
        raise MissingImageError(
            f'image {name} is in none of {folders}; unpack the images there, '
            'or pass data_prefix=dict(img=...) and image_folders=(...)'
        )

    def get_cat_ids(self, idx: int) -> list[int]:
        """List the classes in an image, one entry a box."""
        idx = self._image_index(idx)
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
        images: np.ndarray = np.arange(len(self))
        if not isinstance(indices, int):
            images = images[np.asarray(indices, dtype=np.int64)]
        else:
            images = images[:indices] if indices >= 0 else images[indices:]
        self._scene_graphs = self.scene_graphs.take(images)

    def get_subset(self, indices: Sequence[int] | int) -> 'SceneGraphDataset':
        """Copy the data set with some of its images only.

        Args:
            indices: As in :meth:`get_subset_`.
        """
        subset = self._copy_without_annotation()
        subset.get_subset_(indices)
        return subset

    def _copy_without_annotation(
        self, memo: dict | None = None
    ) -> 'SceneGraphDataset':
        """Copy settings and pipeline; arrays are shared, nobody writes."""
        subset = copy.copy(self)
        subset.pipeline = copy.deepcopy(self.pipeline, memo)
        subset._metainfo = copy.deepcopy(self._metainfo, memo)
        return subset


def _instances(
    graphs: SceneGraphArrays, image: int, ignore_flag: int
) -> list[dict]:
    """List the boxes of an image as mmdet does."""
    first, last = graphs.box_starts[image : image + 2]
    boxes = graphs.boxes[first:last].tolist()
    labels = graphs.labels[first:last].tolist()
    return [
        dict(bbox=box, bbox_label=label, ignore_flag=ignore_flag)
        for box, label in zip(boxes, labels, strict=True)
    ]


def _original_shape(results: Any) -> Sequence[int] | None:
    """Look up (height, width) of the image in what a pipeline made."""
    if not isinstance(results, dict):
        return None
    samples = results.get('data_samples', results)
    # test time augmentation makes a list
    sample = samples[0] if isinstance(samples, list) else samples
    return sample.get('ori_shape')
