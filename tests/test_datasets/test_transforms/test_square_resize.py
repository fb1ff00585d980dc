"""Images as neural-motifs loads them, by Pillow and by hand."""

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.config import Config
from PIL import Image

from mmsgg.datasets import SquareResize
from mmsgg.registry import MODELS, TRANSFORMS

from ...test_configs import CONFIGS

RGB = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)


def by_hand(rgb, size):
    """(3, size, size) RGB, normalised, as the seed project describes it."""
    height, width = rgb.shape[:2]
    side = max(height, width)
    square = Image.new('RGB', (side, side), (124, 116, 103))
    square.paste(Image.fromarray(rgb))
    square = square.resize((size, size), Image.BILINEAR)
    image = torch.tensor(np.array(square)).permute(2, 0, 1) / 255
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return (image - mean) / std


@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_what_a_compat_model_sees(tmp_path, task):
    path = tmp_path / 'x.png'  # without losses
    Image.fromarray(RGB).save(path)
    cfg = Config.fromfile(CONFIGS / 'linknet' / 'compat' / f'{task}.py')
    item = dict(img_path=str(path), img_id='x', instances=[], relations=[])
    for step in cfg.test_dataloader.dataset.pipeline:
        item = TRANSFORMS.build(step)(item)
    preprocessor = MODELS.build(cfg.model.detector.data_preprocessor)
    batch = preprocessor({key: [value] for key, value in item.items()})

    assert batch['inputs'].shape == (1, 3, 592, 592)
    torch.testing.assert_close(
        batch['inputs'][0], by_hand(RGB, 592), atol=1e-5, rtol=0
    )
    [sample] = batch['data_samples']
    assert sample.img_shape == (444, 592)
    assert sample.ori_shape == (480, 640)
    assert sample.scale_factor == (0.925, 0.925)


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [
        ((30, 50), (60, 100)),
        ((50, 30), (100, 60)),
        ((50, 50), (100, 100)),
        ((7, 33), (21, 100)),  # 21.2 pixels show the image
        ((1, 50), (2, 100)),
        ((100, 49), (100, 49)),
    ],
)
def test_shapes(shape, expected):
    item = dict(img=np.zeros((*shape, 3), np.uint8), img_shape=shape)
    item = SquareResize(size=100)(item)
    assert item['img'].shape == (100, 100, 3)
    assert item['img_shape'] == expected
    assert item['scale_factor'] == (100 / max(shape),) * 2
    corner = item['img'][-1, -1].tolist()
    padded = shape[0] != shape[1]
    assert corner == ([103, 116, 124] if padded else [0, 0, 0])


def test_boxes_follow_and_end_with_the_image():
    item = dict(img=np.zeros((40, 80, 3), np.uint8), img_shape=(40, 80))
    item['gt_bboxes'] = HorizontalBoxes([[0, 10, 30, 40], [10, 0, 90, 60]])
    item = SquareResize(size=160)(item)
    assert item['gt_bboxes'].tensor.tolist() == [
        [0, 20, 60, 80], [20, 0, 160, 80]
    ]  # fmt: skip


def test_a_line_keeps_a_pixel():
    resize = TRANSFORMS.build(dict(type='TruncatedResize'))
    for size in ((5000, 1), (1, 5000), (9000, 2)):
        assert min(resize.input_size(*size)) == 1
