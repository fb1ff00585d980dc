import io

import cv2
import mmcv
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile
from PIL import Image

from mmsgg.datasets import LoadImageFromFile, LoadRelationAnnotations
from mmsgg.datasets.transforms.loading import decode_image
from mmsgg.registry import TRANSFORMS


def item(num_instances=3, pairs=((0, 2), (2, 1), (0, 2))):
    return dict(
        height=40,
        width=60,
        instances=[
            dict(bbox=[i, i, i + 9, i + 5], bbox_label=i % 2, ignore_flag=0)
            for i in range(num_instances)
        ],
        relations=[
            dict(pair=list(pair), predicate_label=k)
            for k, pair in enumerate(pairs)
        ],
    )


@pytest.fixture
def jpeg():
    """A JPEG file of 60 x 80 pixels."""
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    return cv2.imencode('.jpg', pixels)[1].tobytes()


def test_adds_pairs_to_boxes():
    results = LoadRelationAnnotations()(item())
    assert results['gt_relation_pairs'].tolist() == [[0, 2], [2, 1], [0, 2]]
    assert results['gt_relation_labels'].tolist() == [0, 1, 2]
    assert results['gt_bboxes'].tensor[2].tolist() == [2, 2, 11, 7]
    assert results['gt_bboxes_labels'].tolist() == [0, 1, 0]


def test_merges_relations_that_are_listed_twice():
    data = item()
    first, second, third = data['relations']
    data['relations'] = [first, second, dict(first), third, dict(second)]
    loaded = [
        LoadRelationAnnotations(merge_duplicates=merge)(dict(data))
        for merge in (True, False)
    ]
    once, all_of_them = (
        [*zip(each['gt_relation_pairs'].tolist(),
              each['gt_relation_labels'].tolist(), strict=True)]
        for each in loaded
    )  # fmt: skip
    assert once == [([0, 2], 0), ([2, 1], 1), ([0, 2], 2)]
    assert len(all_of_them) == 5


@pytest.mark.parametrize('num_instances', [0, 1, 3])
def test_no_relations(num_instances):
    results = LoadRelationAnnotations()(item(num_instances, ()))
    assert results['gt_relation_pairs'].shape == (0, 2)
    assert results['gt_relation_labels'].shape == (0,)
    for key in ('gt_relation_pairs', 'gt_relation_labels'):
        assert results[key].dtype == np.int64
    assert len(results['gt_bboxes']) == num_instances


def test_image_sizes_without_an_image():
    results = LoadRelationAnnotations()(item())
    assert results['ori_shape'] == results['img_shape'] == (40, 60)
    loaded = item() | dict(
        img=np.zeros((8, 9, 3)), ori_shape=(4, 5), img_shape=(8, 9)
    )
    # with an image nobody asks for the size in the annotation
    del loaded['height'], loaded['width']
    results = LoadRelationAnnotations()(loaded)
    assert (results['ori_shape'], results['img_shape']) == ((4, 5), (8, 9))


def test_data_set_without_relations():
    results = item()
    del results['relations']
    with pytest.raises(KeyError, match=r'mmdet\.LoadAnnotations'):
        LoadRelationAnnotations()(results)


def test_config_names():
    loader = TRANSFORMS.build(dict(type='LoadRelationAnnotations'))
    assert type(loader) is LoadRelationAnnotations
    loader = TRANSFORMS.build(dict(type='LoadImageFromFile'))
    assert type(loader) is LoadImageFromFile


def test_image_is_what_mmcv_loads(tmp_path):
    path = str(tmp_path / 'image.png')
    pixels = np.random.default_rng(0).integers(0, 255, (7, 9, 3), np.uint8)
    cv2.imwrite(path, pixels)
    ours = LoadImageFromFile()(dict(img_path=path))
    theirs = MMCVLoadImageFromFile()(dict(img_path=path))
    np.testing.assert_array_equal(ours.pop('img'), pixels)
    np.testing.assert_array_equal(theirs.pop('img'), pixels)
    assert ours == theirs


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize(
    'content', [b'', b'<html>404</html>', b'\xff\xd8\xff']
)
def test_image_that_does_not_decode(tmp_path, content, backend):
    path = tmp_path / '17.jpg'
    path.write_bytes(content)
    loader = LoadImageFromFile(imdecode_backend=backend)
    with pytest.raises(ValueError, match=r'17\.jpg does not decode'):
        loader(dict(img_path=str(path)))


@pytest.mark.parametrize('missing', [1, 2, 30, 0.25, 0.5, 0.9])
@pytest.mark.parametrize('backend', ['cv2', 'pillow', 'silent'])
def test_jpeg_that_ends_early(tmp_path, jpeg, missing, backend, monkeypatch):
    if backend == 'silent':  # OpenCV up to 4.10 gives an image all the same
        pixels = np.zeros((60, 80, 3), np.uint8)
        monkeypatch.setattr(mmcv, 'imfrombytes', lambda *_, **__: pixels)
    loader = LoadImageFromFile(imdecode_backend=backend)
    path = tmp_path / '17.jpg'
    path.write_bytes(jpeg)
    assert loader(dict(img_path=str(path)))['img'].shape == (60, 80, 3)
    missing = missing if missing >= 1 else int(missing * len(jpeg))
    path.write_bytes(jpeg[:-missing])
    with pytest.raises(ValueError, match=r'17\.jpg does not decode'):
        loader(dict(img_path=str(path)))


@pytest.mark.parametrize('progressive', [False, True])
def test_jpeg_with_a_thumbnail(jpeg, progressive):
    # the thumbnail in the EXIF data has an end of image of its own
    buffer = io.BytesIO()
    pixels = Image.open(io.BytesIO(jpeg))
    pixels.save(
        buffer, 'jpeg', exif=b'Exif\0\0' + jpeg, progressive=progressive
    )
    data = buffer.getvalue()
    assert data.count(b'\xff\xd9') == 2
    assert decode_image(data).shape == (60, 80, 3)
    assert decode_image(data + b'\0more\xff').shape == (60, 80, 3)
    with pytest.raises(ValueError, match=r'missing|damaged'):
        decode_image(data[: -len(jpeg) // 4])


@pytest.mark.parametrize('behind', [b'\xff\xda', b'\xff\xda\0\x08film'])
def test_jpeg_with_a_film_behind_it(jpeg, behind):
    np.testing.assert_array_equal(
        decode_image(jpeg + behind), decode_image(jpeg)
    )
    with pytest.raises(ValueError, match=r'missing|damaged'):
        decode_image(jpeg[:-9] + behind)


def test_missing_image(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'17\.jpg'):
        LoadImageFromFile()(dict(img_path=str(tmp_path / '17.jpg')))
