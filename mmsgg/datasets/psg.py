"""PSG: panoptic scene graphs on the images of COCO."""

from collections.abc import Iterator
from typing import Any

from mmengine.fileio import join_path

from mmsgg.registry import DATASETS

from .image_list_dataset import ImageEntry, ImageListDataset
from .json_file import name_lists, read_json

SPLITS = ('train', 'test')
WHERE_FROM = (
    'docs/datasets.md says where psg.json is to be had; pass data_root=... '
    'and ann_file=... of it'
)


@DATASETS.register_module()
class PSGDataset(ImageListDataset):
    """PSG of Yang et al. (ECCV 2022), read from ``psg.json``.

    ::

        data_root/
          psg/psg.json
          coco/{train2017,val2017}/*.jpg
          coco/{panoptic_train2017,panoptic_val2017}/*.png

    An image has ``annotations`` (bbox [x1, y1, x2, y2] counted from 0,
    category_id counted from 0: things, then stuff), the ``segments_info`` of
    the same objects and ``relations``, rows [subject, object, predicate] of
    both. All segments are objects, stuff and crowds too. The pixels of
    ``pan_seg_file_name`` are ids of segments, R + 256 G + 65536 B.

    The ids of ``test_image_ids`` are the test set, all others the training
    set. An item has, beside what :class:`SceneGraphDataset` says,
    ``seg_map_path`` and in each of its ``instances`` the ``segment_id``, of
    which :class:`LoadPanopticRelations` makes masks.

    Args:
        ann_file: The file of annotations, relative to ``data_root``.
        data_root: Folder of the files above.
        data_prefix: ``img`` and ``seg``: the folders that the names of images
            and of masks count from.
        split: 'train' or 'test'.
        **kwargs: Of :class:`NamesInFileDataset`.

    Raises:
        ValueError: If ``split`` is unknown or the file contradicts itself.
        FileNotFoundError: If it is missing.
    """

    METAINFO = dict(dataset_type='PSG')

    def __init__(
        self,
        ann_file: str = 'psg/psg.json',
        data_root: str = 'data',
        data_prefix: dict = dict(img='coco', seg='coco'),  # noqa: B006
        split: str = 'train',
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split={split!r} is none of {SPLITS}')
        self.split = split
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=data_prefix,
            **kwargs,
        )

    def read_images(self) -> Iterator[tuple[str, Any]]:
        """List the images of the split."""
        content = read_json(self.ann_file, 'annotation file', WHERE_FROM)
        things, stuff, predicates = name_lists(
            self.ann_file,
            content,
            'thing_classes',
            'stuff_classes',
            'predicate_classes',
            where_from=WHERE_FROM,
        )
        self.set_names(things + stuff, predicates)
        # what tells from which class on the segments are stuff
        if {*self._metainfo['classes'][: len(things)]} == {*things}:
            self._metainfo.setdefault('num_things', len(things))
        for key in ('data', 'test_image_ids'):
            if not isinstance(content.get(key), list):
                raise ValueError(
                    f'{self.ann_file} has no list {key!r}; {WHERE_FROM}'
                )
        # written as numbers in one list and as strings in the other
        test_ids = {str(number) for number in content['test_image_ids']}
        for number, image in enumerate(content['data']):
            named = isinstance(image, dict) and 'image_id' in image
            name = str(image['image_id']) if named else f'number {number}'
            if (name in test_ids) == (self.split == 'test'):
                yield name, image

    def parse(self, entry: Any) -> ImageEntry:
        """Read one image."""
        objects, segments = entry['annotations'], entry['segments_info']
        if len(objects) != len(segments):
            raise ValueError(
                f'{len(objects)} annotations, but {len(segments)} segments'
            )
        return ImageEntry(
            img_id=entry['image_id'],
            file_name=entry['file_name'],
            size=[entry['width'], entry['height']],
            boxes=[one['bbox'] for one in objects],
            labels=self.labels_of(
                'classes', [one['category_id'] for one in objects]
            ),
            triplets=self.triplets_of(entry['relations']),
            mask_file=entry['pan_seg_file_name'],
            mask_ids=[segment['id'] for segment in segments],
        )

    def get_data_info(self, idx: int) -> dict:
        """Build one item, with what its masks are made of.

        Args:
            idx: Its number; negative ones count from the end.
        """
        item = super().get_data_info(idx)
        graphs = self.scene_graphs
        idx = item['sample_idx']
        first, last = graphs.box_starts[idx : idx + 2]
        ids = graphs.mask_ids[first:last].tolist()
        for instance, number in zip(item['instances'], ids, strict=True):
            instance['segment_id'] = number
        folder = self.data_prefix.get('seg', '')
        name = graphs.mask_files[idx].item()
        item['seg_map_path'] = join_path(folder, name)
        return item
