"""An image that is not the annotated one, or lies on its side."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mmsgg.datasets import LoadImageFromFile
from mmsgg.registry import DATASETS

from ..vg_files import settings

HEIGHT, WIDTH = 40, 60
TURNED = 6  # EXIF: to be turned by a quarter


@pytest.fixture
def jpeg(tmp_path):
    """Write a JPEG file of 60 x 40 pixels, with an orientation."""

    def write(orientation=None):
        path = tmp_path / '17.jpg'
        exif = Image.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        pixels[:20, :30] = 255
        Image.fromarray(pixels).save(path, exif=exif)
        return str(path)

    return write


def load(path, height=None, width=None, **kwargs):
    item = dict(img_path=path)
    if height:
        item |= dict(height=height, width=width)
    return LoadImageFromFile(**kwargs)(item)['img']


def test_an_image_of_another_size_is_named(jpeg):
    path = jpeg()
    assert load(path, HEIGHT, WIDTH).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(
        ValueError, match=r'17\.jpg has 60 x 40 pixels.*says 120 x 80.*fetch'
    ):
        load(path, 80, 120)
    assert load(path).shape == (HEIGHT, WIDTH, 3)  # no size stated


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_orientation(jpeg, backend):
    path = jpeg(TURNED)
    as_stored = dict(color_type='color_ignore_orientation')
    stored = load(path, HEIGHT, WIDTH, imdecode_backend=backend, **as_stored)
    turned = load(path, WIDTH, HEIGHT, imdecode_backend=backend)
    # a quarter clockwise, so the bright corner is above and to the right
    assert stored[:15, :25].min() > 200 and stored[25:, 35:].max() < 50
    assert turned[:25, 25:].min() > 200 and turned[35:, :15].max() < 50
    with pytest.raises(ValueError, match="color_type='color_ignore_orient"):
        load(path, HEIGHT, WIDTH, imdecode_backend=backend)
    with pytest.raises(ValueError, match='EXIF orientation'):
        load(path, WIDTH, HEIGHT, imdecode_backend=backend, **as_stored)


PACKED = {
    'PackSGInputs': 'LoadRelationAnnotations',
    'mmdet.PackDetInputs': 'mmdet.LoadAnnotations',
}


@pytest.mark.parametrize('scope', ['', 'mmdet.'])
@pytest.mark.parametrize('pack', [*PACKED])
def test_every_pipeline_looks(folder, scope, pack):
    boxes = dict(type=PACKED[pack])
    if pack != 'PackSGInputs':
        boxes['with_bbox'] = True
    pipeline = [
        dict(type=f'{scope}LoadImageFromFile'),
        boxes,
        dict(type='mmdet.Resize', scale=(64, 64), keep_ratio=True),
        dict(type=pack, meta_keys=('img_id', 'ori_shape')),
    ]
    dataset = DATASETS.build(
        dict(type='VG150Dataset', pipeline=pipeline) | settings(folder)
    )
    path = dataset.get_data_info(0)['img_path']
    assert dataset[0]['data_samples'].img_id
    image = cv2.imread(path)
    cv2.imwrite(path, image[::2, ::2])
    with pytest.raises(ValueError, match=rf'{path} has .* annotation says'):
        dataset[0]


@pytest.mark.parametrize('names', [dict(image_folders=()), {}])
def test_a_guessed_size_is_not_compared(tmp_path, names):
    relation = dict(
        predicate=0,
        subject=dict(category=0, bbox=[1, 9, 1, 9]),
        object=dict(category=0, bbox=[3, 8, 2, 7]),
    )
    for name, content in (
        ('annotations_train.json', {'a.jpg': [relation]}),
        ('objects.json', ['cat']),
        ('predicates.json', ['on']),
    ):
        (tmp_path / name).write_text(json.dumps(content))
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((30, 20, 3), np.uint8))
    dataset = DATASETS.build(
        dict(
            type='VRDDataset',
            data_root=str(tmp_path),
            metainfo=dict(classes=['cat'], predicates=['on']),
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadRelationAnnotations'),
                dict(type='PackSGInputs'),
            ],
        )
        | (names or dict(image_folders=('',)))
    )
    assert dataset[0]['data_samples'].ori_shape == (30, 20)
    size = (9, 9) if names else (20, 30)  # the boxes fit into the first
    graphs = dataset.scene_graphs
    assert (graphs.widths[0], graphs.heights[0]) == size
