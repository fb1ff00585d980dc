"""Images on the server that the page offers."""

import base64
import io
import warnings
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from .uploads import UploadLimits, read_image

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')
MAX_EXAMPLES = 12
THUMBNAIL_SIDE = 144


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
    """Small pictures of the examples, as URLs by name.

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
    picture = Image.fromarray(image)
    picture.thumbnail((max_side, max_side))
    file = io.BytesIO()
    picture.save(file, 'JPEG', quality=92)
    encoded = base64.b64encode(file.getvalue()).decode()
    return f'data:image/jpeg;base64,{encoded}'
