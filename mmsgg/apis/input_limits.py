"""How much of an input is taken, counted before it is unpacked."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

from PIL import Image, UnidentifiedImageError

MAX_OBJECTS = 1000
"""Given objects of an image; a model relates N (N - 1) pairs."""

MAX_PIXELS = 100_000_000
"""Width times height of an image, 300 MB as uint8."""

NARROW = 100
"""The longer side by the shorter one, from where resizing may fail."""


def check_objects(name: str, objects: Any, max_objects: int) -> None:
    """Refuse many objects.

    Args:
        name: What they are called, such as 'the boxes of a.jpg'.
        objects: They, before they are looked at.
        max_objects: The most to take.

    Raises:
        ValueError: With a message for the user.
    """
    count = len(objects) if hasattr(objects, '__len__') else 0
    if count > max_objects:
        raise ValueError(
            f'{name} are {count}; at most {max_objects} are taken (max_objects'
            '), as the pairs of N objects are N (N - 1)'
        )


def check_pixels(name: str, size: Sequence[int], max_pixels: int) -> None:
    """Refuse an image of many pixels.

    Args:
        name: What the image is called.
        size: Its width and height.
        max_pixels: Width times height of the largest one to take.

    Raises:
        ValueError: With a message for the user.
    """
    width, height = size
    if width * height > max_pixels:
        raise ValueError(
            f'{name} has {width} x {height} pixels, '
            f'{width * height / 1e6:.1f} million; at most '
            f'{max_pixels / 1e6:.3g} million are taken.'
        )


def open_image(
    data: bytes,
    name: str,
    max_pixels: int,
    formats: tuple[str, ...] | None = None,
) -> Image.Image:
    """Open an image file, whose pixels Pillow unpacks later.

    Args:
        data: The file.
        name: What the image is called.
        max_pixels: Width times height of the largest one to take; the header
            says how many there are.
        formats: The kinds of files to take, as Pillow calls them; by default
            all that it knows.

    Returns:
        The image; its ``size`` is known.

    Raises:
        ValueError: Where there are more pixels.
        PIL.UnidentifiedImageError: Where it is of another kind, or of none.
    """
    try:
        with warnings.catch_warnings():
            # Pillow's own limits: a warning, and an error at twice that
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise ValueError(f'{name} has too many pixels.') from error
    # its readers raise whatever a broken header leads them to
    except Exception as error:
        raise UnidentifiedImageError(str(error)) from error
    check_pixels(name, image.size, max_pixels)
    return image


def explain_resize_error(name: str, size: Sequence[int]) -> str:
    """Say why an image of some width and height does not resize."""
    width, height = size
    if max(size) >= NARROW * min(size):
        return (
            f'{name} has {width} x {height} pixels, which is too narrow: '
            'resized as the config says, its shorter side is less than a '
            'pixel; cut it into parts'
        )
    return f'{name}, {width} x {height} pixels, does not resize'
