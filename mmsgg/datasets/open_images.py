"""Open Images V6 for visual relationships, in the files of PySGG."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from mmsgg.registry import DATASETS

from .image_list_dataset import ImageEntry, ImageListDataset
from .json_file import name_lists, read_json
from .scene_graph_arrays import LoadedGraphs, SceneGraphArrays

SPLITS = ('train', 'val', 'test')
WHERE_FROM = (
    'docs/datasets.md says where the files of Open Images are to be had; pass '
    'data_root=... of a folder that holds them'
)


@DATASETS.register_module()
class OpenImagesDataset(ImageListDataset):
    """Open Images V6 VRD as PySGG prepared it, and RelTR and EGTR after it.

    ::

        data_root/
          annotations/vrd-{train,val,test}-anno.json
          annotations/categories_dict.json
          images/*.jpg

    An image of the files is ``{"img_fn": name without .jpg, "img_size":
    [width, height], "bbox": [[x1, y1, x2, y2], ...], "det_labels": [...],
    "rel": [[subject, object, predicate], ...]}``, all counted from 0. The
    names are ``{"obj": [...], "rel": [...]}``, without background.

    As in PySGG, images without a relation or without a box are left out, and
    x2 and y2 are the last pixel of a box: boxes are cut off at the last pixel
    of their image. What has x1 = x2 or y1 = y2 then is dropped in training; in
    ``test_mode`` it stays as it is, a pixel wide or high.

    Args:
        ann_file: The file of annotations, relative to ``data_root``; that of
            the split by default.
        vocabulary_file: The JSON file of names.
        data_root: Folder of the files above.
        split: 'train', 'val' or 'test'.
        image_folders: As in :class:`SceneGraphDataset`.
        filter_empty_relations: As in :class:`SceneGraphDataset`.
        degenerate_boxes: As in :class:`SceneGraphDataset`; by default 'drop'
            for the split 'train' and 'widen' for the others.
        last_pixel: Whether the last column and row of an image are the last
            that a box may end in; else it may end at its width and height.
        **kwargs: Of :class:`NamesInFileDataset`.

    Raises:
        ValueError: If ``split`` is unknown or a file contradicts itself.
        FileNotFoundError: If a file is missing.
    """

    METAINFO = dict(dataset_type='OpenImages')
    PATHS = ('vocabulary_file',)

    def __init__(
        self,
        ann_file: str = '',
        vocabulary_file: str = 'annotations/categories_dict.json',
        data_root: str = 'data/open_images',
        split: str = 'train',
        image_folders: Sequence[str] = ('images',),
        filter_empty_relations: bool = True,
        degenerate_boxes: Literal['error', 'drop', 'widen'] | None = None,
        last_pixel: bool = True,
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split={split!r} is none of {SPLITS}')
        self.vocabulary_file = vocabulary_file
        self.split = split
        self.last_pixel = last_pixel
        if last_pixel and kwargs.get('test_mode'):
            self.pixel_side = 0  # a detector trains on no such box
        super().__init__(
            ann_file=ann_file or f'annotations/vrd-{split}-anno.json',
            data_root=data_root,
            image_folders=image_folders,
            filter_empty_relations=filter_empty_relations,
            degenerate_boxes=degenerate_boxes
            or ('drop' if split == 'train' else 'widen'),
            **kwargs,
        )

    def read_images(self) -> Iterator[tuple[str, Any]]:
        """List the images of the split."""
        names = read_json(self.vocabulary_file, 'vocabulary file', WHERE_FROM)
        self.set_names(
            *name_lists(
                self.vocabulary_file,
                names,
                'obj',
                'rel',
                where_from=WHERE_FROM,
            )
        )
        images = read_json(self.ann_file, 'annotation file', WHERE_FROM)
        if not isinstance(images, list):
            raise ValueError(
                f'{self.ann_file} is no list of images; pass ann_file=... of '
                'a file in the layout of vrd-train-anno.json'
            )
        for number, image in enumerate(images):
            named = isinstance(image, dict) and 'img_fn' in image
            yield image['img_fn'] if named else f'number {number}', image

    def parse(self, entry: Any) -> ImageEntry:
        """Read one image."""
        return ImageEntry(
            img_id=entry['img_fn'],
            file_name=f'{entry["img_fn"]}.jpg',
            size=entry['img_size'],
            boxes=entry['bbox'],
            labels=self.labels_of('classes', entry['det_labels']),
            triplets=self.triplets_of(entry['rel']),
        )

    def finish(
        self,
        graphs: SceneGraphArrays,
        rows: np.ndarray | None = None,
        row: str = '',
    ) -> LoadedGraphs:
        """Clip the boxes, at the last pixels if asked to."""
        if not self.last_pixel:
            return super().finish(graphs, rows, row)
        sizes = np.column_stack([graphs.widths, graphs.heights])
        last = np.repeat(sizes - 1, graphs.box_counts, axis=0)
        inside = np.minimum(graphs.boxes, np.tile(last, 2))
        cut = ((inside != graphs.boxes) | (graphs.boxes < 0)).any(axis=1)
        loaded = super().finish(replace(graphs, boxes=inside), rows, row)
        return loaded._replace(num_clipped=int(cut.sum()))
