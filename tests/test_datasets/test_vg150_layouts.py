"""Files of derived data sets, which differ a little from VG150's."""

import numpy as np
import pytest

from mmsgg.datasets import VG150Dataset

from .slow_reader import slow_items
from .test_vg150 import assert_same_items, items_of
from .vg_files import settings


def flat(files):
    for key in ('labels', 'predicates'):
        files.arrays[key] = files.arrays[key].ravel()


def fractional(files):
    rng = np.random.default_rng(0)
    boxes = files.arrays['boxes_1024'].astype(np.float32)
    files.arrays['boxes_1024'] = boxes + rng.random(boxes.shape) / 2


def only_512(files):
    del files.arrays['boxes_1024']


def only_1024(files):
    del files.arrays['boxes_512']


def no_mask(files):
    del files.arrays['active_object_mask']


def string_ids(files):
    for image in files.images:
        image['image_id'] = str(image['image_id'])


def short_string_ids(files):
    """'159' is no corrupted image, whatever the others are."""
    for i, image in enumerate(files.images):
        image['image_id'] = str(159 + i)
    files.corrupted = []


def word_ids(files):
    for i, image in enumerate(files.images):
        image['image_id'] = f'street_{i:03d}'


def boxes_in_another_order(files):
    """Images need not come in the order of their boxes."""
    for key in ('split', 'img_to_first_box', 'img_to_last_box'):
        files.arrays[key] = files.arrays[key][::-1]
    for key in ('img_to_first_rel', 'img_to_last_rel'):
        files.arrays[key] = files.arrays[key][::-1]
    # all images of a size, or boxes would leave theirs
    for image in files.images:
        image['width'] = image['height'] = 70


@pytest.mark.parametrize(
    'change',
    [
        flat,
        fractional,
        only_512,
        only_1024,
        no_mask,
        string_ids,
        short_string_ids,
        word_ids,
        boxes_in_another_order,
    ],
)
def test_layout(files, tmp_path, change):
    change(files)
    folder = files.write(tmp_path)
    for split in ('train', 'test'):
        dataset = VG150Dataset(**settings(folder), split=split)
        assert_same_items(items_of(dataset), slow_items(folder, split, 2))


def test_no_relations_at_all(files, tmp_path):
    for key in ('img_to_first_rel', 'img_to_last_rel'):
        files.arrays[key][:] = -1
    files.arrays['relationships'] = np.zeros((0, 2), dtype=np.int32)
    files.arrays['predicates'] = np.zeros((0, 1), dtype=np.int64)
    folder = files.write(tmp_path)
    dataset = VG150Dataset(**settings(folder))
    assert dataset.relation_triplets().shape == (0, 3)
    assert_same_items(items_of(dataset), slow_items(folder, 'train', 2))


def test_images_are_not_needed_without_image_folders(folder):
    for image in folder.glob('VG_100K*/*.jpg'):
        image.unlink()
    dataset = VG150Dataset(**settings(folder), image_folders=())
    item = dataset.get_data_info(0)
    assert item['img_path'] == str(folder / f'{item["img_id"]}.jpg')


def test_images_elsewhere(folder):
    (folder / 'VG_100K').rename(folder / 'pictures')
    for image in (folder / 'VG_100K_2').iterdir():
        image.rename(folder / 'pictures' / image.name)
    dataset = VG150Dataset(
        **settings(folder),
        data_prefix=dict(img=str(folder / 'pictures')),
        image_folders=('.',),
    )
    for item in items_of(dataset):
        assert (folder / 'pictures' / f'{item["img_id"]}.jpg').samefile(
            item['img_path']
        )
