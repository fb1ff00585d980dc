"""Stanford VRD: visual relationships of 100 objects and 70 predicates."""

import os.path as osp
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from mmsgg.registry import DATASETS

from .json_file import compare_names, read_json
from .scene_graph_arrays import SceneGraphArrays, clip_boxes
from .scene_graph_dataset import LoadedGraphs, SceneGraphDataset
from .vrd_file import WHERE_FROM, VRDGraphs, read_vrd
from .vrd_vocabulary import VRD_CLASSES, VRD_PREDICATES


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
        graphs = read_vrd(self.ann_file, len(classes), len(predicates))
        sizes, num_estimated = self._sizes_of(graphs)
        widths, heights = sizes.T
        boxes, degenerate, num_clipped = self._clip(graphs, heights, widths)
        return LoadedGraphs(
            SceneGraphArrays(
                img_ids=graphs.names,
                heights=heights,
                widths=widths,
                boxes=boxes,
                labels=graphs.labels,
                box_starts=graphs.box_starts,
                pairs=graphs.pairs,
                predicates=graphs.predicates,
                relation_starts=graphs.relation_starts,
                file_names=graphs.names,
            ),
            num_clipped,
            degenerate,
            note=f'guessed {num_estimated} sizes' if num_estimated else '',
        )

    def _clip(
        self, graphs: VRDGraphs, heights: np.ndarray, widths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Cut boxes (B, 4) off at the borders; see :func:`clip_boxes`."""
        of_image = np.repeat(
            np.arange(len(widths)), np.diff(graphs.box_starts)
        )
        boxes, wrong, num_clipped = clip_boxes(
            graphs.boxes, heights[of_image], widths[of_image]
        )
        if len(wrong) and self.degenerate_boxes == 'error':
            image = of_image[wrong[0]]
            name = graphs.names[image].item()
            raise ValueError(
                f'{self.ann_file}: box {graphs.boxes[wrong[0]].tolist()} '
                f'(x1, y1, x2, y2 from 0) of image {name!r} '
                f'is outside its {widths[image]} x {heights[image]} pixels '
                f'({len(wrong)} such boxes); these are other images than the '
                'annotated ones, or sizes_file is wrong; with '
                "degenerate_boxes='drop' or 'widen' they are read all the same"
            )
        return boxes, wrong, num_clipped

    def _sizes_of(self, graphs: VRDGraphs) -> tuple[np.ndarray, int]:
        """Find out [width, height] (N, 2) and how many are estimated."""
        names = graphs.names.tolist()
        if self.sizes_file:
            sizes = read_json(self.sizes_file, 'file of sizes', WHERE_FROM)
            unknown = [name for name in names if name not in sizes]
            if unknown:
                raise ValueError(
                    f'{self.sizes_file} has no size of {len(unknown)} images, '
                    f'such as {unknown[0]!r}; add {{name: [width, height]}}'
                )
            rows = [sizes[name] for name in names]
            return np.array(rows, dtype=np.int64).reshape(-1, 2), 0
        sizes = np.ones((len(names), 2), dtype=np.int64)
        of_image = np.repeat(np.arange(len(names)), np.diff(graphs.box_starts))
        np.maximum.at(sizes, of_image, graphs.boxes[:, 2:] + 1)
        num_estimated = 0
        for row, name in enumerate(names):
            size = self._size_in_image(name)
            if size:
                sizes[row] = size
            num_estimated += size is None
        return sizes, num_estimated

    def _size_in_image(self, name: str) -> tuple[int, int] | None:
        """Read (width, height) off an image, None where it is not there."""
        for folder in self.image_folders:
            path = osp.join(self.data_prefix.get('img', ''), folder, name)
            if osp.isfile(path):
                with Image.open(path) as image:
                    return image.size
        return None
