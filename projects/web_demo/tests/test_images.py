import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from fake_inferencer import as_upload, image_file
from web_page.images import (
    UploadLimits,
    decode_image,
    decode_upload,
    read_image,
)

LIMITS = UploadLimits(max_bytes=20_000, max_pixels=50_000)


def chunk(name, data):
    body = name + data
    return (
        struct.pack('>I', len(data))
        + body
        + struct.pack('>I', zlib.crc32(body))
    )


def bomb(width, height):
    """A PNG of a few bytes that says to have many pixels."""
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(bytes(100)))
        + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'WEBP', 'BMP'])
def test_kinds_that_are_read(kind):
    data = image_file((31, 17), 'red', kind)
    image = decode_upload(as_upload(data), 'a', LIMITS)
    assert image.shape == (17, 31, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - [255, 0, 0]).max() < 5


@pytest.mark.parametrize(
    ('mode', 'color', 'expected'),
    [
        ('L', 200, 200),
        ('1', 1, 255),
        ('P', 0, 0),
        ('RGBA', (9, 9, 9, 255), 9),
        ('I;16', 257 * 100, 100),
        ('LA', (50, 255), 50),
    ],
)
def test_pixel_modes_become_rgb(mode, color, expected):
    data = image_file((5, 4), color, mode=mode)
    image = decode_image(data, 'a', LIMITS)
    assert image.shape == (4, 5, 3)
    assert (image == expected).all()


def test_exif_turns_the_image():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = image_file((30, 20), kind='JPEG', exif=exif)
    assert decode_image(data, 'a', LIMITS).shape == (30, 20, 3)


@pytest.mark.parametrize(
    ('contents', 'message'),
    [
        (as_upload(b''), "'x.png' is not an image"),
        (as_upload(b'hello, this is a text'), 'is not an image'),
        (as_upload(b'%PDF-1.4' + bytes(99)), 'is not an image'),
        (as_upload(image_file(kind='GIF')), 'is not an image'),
        (as_upload(bytes(20_001)), r'0.0191 MB; at most 0.0191 MB'),
        ('data:image/png;base64,@@', 'did not arrive whole'),
        ('nonsense', 'is not an image'),
        (as_upload(image_file()[:90]), "'x.png' is damaged"),
        (
            as_upload(image_file((60, 60), kind='JPEG')[:-30]),
            'is damaged: .*truncated',
        ),
        (as_upload(bomb(300, 200)), '300 x 200 pixels, 0.1 million'),
        (as_upload(bomb(90_000, 90_000)), 'too many pixels'),
    ],
)
def test_bad_upload_says_why(contents, message):
    with pytest.raises(ValueError, match=message):
        decode_upload(contents, 'x.png', LIMITS)


def test_a_bomb_is_not_unpacked():
    """60 million pixels of a real file of 180 kB stay packed."""
    file = io.BytesIO()
    Image.new('RGB', (10_000, 6_000)).save(file, 'PNG')
    data = file.getvalue()
    limits = UploadLimits(len(data), 59_999_999)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match='10000 x 6000 pixels'):
            decode_image(data, 'x', limits)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_largest_file_and_image_are_taken():
    data = image_file((250, 200))
    limits = UploadLimits(len(data), 250 * 200)
    assert decode_upload(as_upload(data), 'x', limits).shape == (200, 250, 3)
    with pytest.raises(ValueError, match='MB'):
        decode_upload(
            as_upload(data), 'x', limits._replace(max_bytes=len(data) - 1)
        )


def test_read_image(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(image_file((12, 10)))
    assert read_image(path, LIMITS).shape == (10, 12, 3)
    with pytest.raises(ValueError, match=r"'b.png' cannot be read: No such"):
        read_image(tmp_path / 'b.png', LIMITS)
    with pytest.raises(ValueError, match='MB'):
        read_image(path, UploadLimits(5, 50_000))
