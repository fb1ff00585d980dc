import numpy as np
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor

from mmsgg.models import ConcatRoIExtractor, InclusiveRoIExtractor
from mmsgg.models.roi_heads.roi_extractors import CropResize


def slow_bilinear(fmap, x, y):
    """Interpolate one (C, H, W) map at one point, zero outside."""
    value = np.zeros(len(fmap))
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            inside = 0 <= row < fmap.shape[1] and 0 <= column < fmap.shape[2]
            if inside:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                value += weight * fmap[:, row, column].numpy()
    return value


def test_crop_resize_samples_from_corner_to_corner():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 9)
    rois = torch.tensor(
        [
            [1, 8.0, 4.0, 100.0, 70.0],
            [0, -9.0, 3.0, 40.0, 40.0],
            [1, 60.0, 60.0, 200.0, 90.0],
        ]
    )
    out = CropResize(output_size=4, spatial_scale=1 / 16)(x, rois)
    for n, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        for i, py in enumerate(np.linspace(y1 / 16, y2 / 16, 4)):
            for j, px in enumerate(np.linspace(x1 / 16, x2 / 16, 4)):
                expected = slow_bilinear(x[int(image)], px, py)
                np.testing.assert_allclose(
                    out[n, :, i, j], expected, atol=1e-5
                )


def test_crop_resize_of_no_boxes():
    out = CropResize(7, 1 / 16)(torch.rand(1, 3, 4, 4), torch.zeros(0, 5))
    assert out.shape == (0, 3, 7, 7)


def test_a_box_is_as_wide_as_its_last_pixel_says():
    """(0, 0, 111, 111) has 112 pixels a side, enough for the next level."""
    cfg = dict(
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
        out_channels=4,
        featmap_strides=[4, 8, 16, 32],
    )
    sides = torch.tensor([0.0, 110.9, 111.0, 223.0, 447.0, 2000.0])
    rois = torch.zeros(6, 5)
    rois[:, 3] = rois[:, 4] = sides
    ours = InclusiveRoIExtractor(**cfg).map_roi_levels(rois, 4)
    assert ours.tolist() == [0, 0, 1, 2, 3, 3]
    mmdets = SingleRoIExtractor(**cfg).map_roi_levels(rois, 4)
    assert mmdets.tolist() == [0, 0, 0, 1, 2, 3]


@torch.no_grad()
def test_all_levels_are_pooled_of_a_larger_region_where_asked_for():
    torch.manual_seed(0)
    pool = ConcatRoIExtractor(
        roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=1),
        out_channels=2,
        featmap_strides=[4, 8],
    )
    x = torch.randn(1, 2, 8, 8), torch.randn(1, 2, 4, 4)
    rois = torch.tensor([[0, 8.0, 10.0, 16.0, 14.0]])
    larger = torch.tensor([[0, 4.0, 8.0, 20.0, 16.0]])  # about its centre
    torch.testing.assert_close(pool(x, rois, 2.0), pool(x, larger))
    assert not torch.equal(pool(x, rois), pool(x, larger))
