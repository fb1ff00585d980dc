from pathlib import Path

import cv2
import numpy as np
import pytest

from mmsgg.apis.input_images import InputImage, list_images, output_stems

IMAGE = np.zeros((2, 3, 3), np.uint8)


def test_folders_are_sorted_and_flat(tmp_path):
    for name in ('b.JPG', 'a.png', 'c.txt', 'd.jpeg'):
        (tmp_path / name).touch()
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'sub' / 'e.jpg').touch()
    found = [Path(path).name for path in list_images(tmp_path)]
    assert found == ['a.png', 'b.JPG', 'd.jpeg']
    assert list_images(str(tmp_path)) == list_images(tmp_path)


def test_a_folder_without_images(tmp_path):
    with pytest.raises(ValueError, match=f"folder '{tmp_path}'"):
        list_images(tmp_path)


@pytest.mark.parametrize(
    ('image', 'error', 'message'),
    [
        (7, TypeError, 'not a int'),
        (None, TypeError, 'not a NoneType'),
        (IMAGE[0], ValueError, r'not \(3, 3\)'),
        (IMAGE[:0], ValueError, r'not \(0, 3, 3\)'),
        (np.zeros((2, 3, 4), np.uint8), ValueError, r'not \(2, 3, 4\)'),
        (IMAGE.astype(float), ValueError, 'not float64'),
    ],
)
def test_what_is_no_image(image, error, message):
    for inputs in (image, [IMAGE, image]):
        with pytest.raises(error, match=message):
            list_images(inputs)


def test_names_are_used_once():
    images = ['a/1.jpg', 'b/1.jpg', IMAGE, '1_2.png', 'c/1.png', IMAGE]
    stems = ['1', '1_2', '00000005', '1_2_2', '1_3', '00000006']
    assert list(output_stems(images, first_number=5)) == stems


def test_pixels_are_counted_before_an_image_is_unpacked(tmp_path):
    path = tmp_path / 'wide.png'
    cv2.imwrite(str(path), np.zeros((30, 50, 3), np.uint8))
    image = InputImage(str(path), 'wide')
    assert image.size(1500) == (50, 30)

    def unpack(source):
        raise AssertionError('it was unpacked')

    for source in (str(path), cv2.imread(str(path))):
        image = InputImage(source, 'wide')
        with pytest.raises(ValueError, match=r'wide.* has 50 x 30 pixels'):
            image.load(unpack, 1499)
    path.write_text('no image')
    assert InputImage(str(path), 'wide').size(1499) is None
