"""Images of a browser or a folder, checked before they are unpacked."""

import base64
import binascii
import io
import warnings
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mmsgg.apis.input_limits import open_image

from .limits import UploadLimits

FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP')
SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')
MAX_EXAMPLES = 12
THUMBNAIL_SIDE = 144


def decode_upload(
    contents: str, name: str, limits: UploadLimits
) -> np.ndarray:
    """Make an image of what ``dcc.Upload`` hands over.

    Args:
        contents: ``data:<type>;base64,<file>``.
        name: Name of the file, for messages.
        limits: The largest image to take.

    Returns:
        (H, W, 3) RGB uint8.

    Raises:
        ValueError: Where it is no image or too large; the message is meant
            for the user.
    """
    encoded = contents.partition(',')[2]
    limits.check_bytes(name, len(encoded) * 3 // 4 - encoded[-2:].count('='))
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"'{name}' did not arrive whole: {error}") from error
    return decode_image(data, name, limits)


def read_image(path: Path, limits: UploadLimits) -> np.ndarray:
    """Read a file under the same limits; see :func:`decode_upload`."""
    try:
        limits.check_bytes(path.name, path.stat().st_size)
        return decode_image(path.read_bytes(), path.name, limits)
    except OSError as error:
        raise ValueError(
            f"'{path.name}' cannot be read: {error.strerror}"
        ) from error


def decode_image(data: bytes, name: str, limits: UploadLimits) -> np.ndarray:
    """Decode an image file, turned the way its EXIF data says.

    The pixels are counted from the header: an image that would fill the
    memory is refused before it is unpacked.

    Args:
        data: The file.
        name: Its name, for messages.
        limits: The largest image to take.

    Returns:
        (H, W, 3) RGB uint8.

    Raises:
        ValueError: See :func:`decode_upload`.
    """
    try:
        image = open_image(data, f"'{name}'", limits.max_pixels, FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"'{name}' is not an image of a known kind ({', '.join(FORMATS)})."
        ) from error
    try:
        image.load()
        return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    except Exception as error:
        raise ValueError(f"'{name}' is damaged: {error}.") from error


def list_examples(folder: Path | None) -> dict[str, Path]:
    """The first images of a folder, by name.

    Only these can be asked for: a name is looked up, never joined to a path.

    Args:
        folder: Where the images lie; None for no examples.

    Returns:
        At most :data:`MAX_EXAMPLES` files.
    """
    if folder is None:
        return {}
    files = (
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    return {path.name: path for path in islice(files, MAX_EXAMPLES)}


def thumbnails(
    examples: Mapping[str, Path], limits: UploadLimits
) -> dict[str, str]:
    """The examples made small, as URLs by name.

    A file that is no image, or too large, is left out with a warning.
    """
    urls = {}
    for name, path in examples.items():
        try:
            urls[name] = data_url(read_image(path, limits), THUMBNAIL_SIDE)
        except ValueError as error:
            warnings.warn(f'{error} It is left out.', stacklevel=2)
    return urls


def data_url(image: np.ndarray, max_side: int) -> str:
    """An image as a JPEG in a URL, no larger than the page can show.

    Args:
        image: (H, W, 3) RGB uint8.
        max_side: The most pixels of the longer side.

    Returns:
        ``data:image/jpeg;base64,...``
    """
    small = Image.fromarray(image)
    small.thumbnail((max_side, max_side))
    file = io.BytesIO()
    small.save(file, 'JPEG', quality=92)
    encoded = base64.b64encode(file.getvalue()).decode()
    return f'data:image/jpeg;base64,{encoded}'


def _to_rgb(image: Image.Image) -> Image.Image:
    """Eight bits a channel; Pillow cuts 16 bits off instead of scaling."""
    if image.mode.startswith('I'):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert('RGB')
