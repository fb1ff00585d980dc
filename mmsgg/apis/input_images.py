"""The images that a user hands to an inferencer."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import mmcv
import mmengine
import numpy as np
from mmdet.apis.det_inferencer import IMG_EXTENSIONS
from PIL import UnidentifiedImageError

from .given_objects import GivenObjects, LabelMap, read_given
from .input_limits import (
    MAX_OBJECTS,
    check_pixels,
    explain_resize_error,
    open_image,
)

Image = str | Path | np.ndarray


class InputImage(NamedTuple):
    """One image, and what is known of it."""

    source: str | np.ndarray  # a path, or (H, W, 3) BGR uint8
    stem: str  # what files made from it are called
    given: GivenObjects | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        if isinstance(self.source, str):
            return f"'{self.source}'"
        return f'image {self.stem}'

    def read_rgb(self) -> np.ndarray:
        """Its pixels (H, W, 3), RGB uint8, as the pipeline sees them."""
        if isinstance(self.source, str):
            content = mmengine.fileio.get(self.source)
            return mmcv.imfrombytes(content, channel_order='rgb')
        return self.source[..., ::-1]

    def size(self, max_pixels: int) -> tuple[int, int] | None:
        """Its width and height, as the header of a file has them.

        Returns:
            None for a file that only OpenCV may know.

        Raises:
            ValueError: On an image of more than ``max_pixels``.
        """
        if isinstance(self.source, str):
            content = mmengine.fileio.get(self.source)
            try:
                return open_image(content, self.name, max_pixels).size
            except UnidentifiedImageError:
                return None
        height, width = self.source.shape[:2]
        check_pixels(self.name, (width, height), max_pixels)
        return width, height

    def load(self, pipeline: Callable[..., dict], max_pixels: int) -> dict:
        """Send it through a test pipeline, which loads paths and arrays.

        Raises:
            ValueError: On an image that has more than ``max_pixels``, is too
                narrow to be resized, or is none.
        """
        size = self.size(max_pixels)
        try:
            return pipeline(self.source)
        except cv2.error as error:
            message = explain_resize_error(self.name, size or (1, 1))
            raise ValueError(message) from error

    def attach_given(self, data: dict) -> dict:
        """Add what is given to what :meth:`load` made, ``gt_instances``.

        Raises:
            ValueError: On a box that is not of this image.
        """
        if self.given is not None:
            sample = data['data_samples']
            height, width = sample.ori_shape[:2]
            sample.gt_instances = self.given.instances(
                height, width, self.name
            )
        return data


def is_folder(inputs: Image | Sequence[Image]) -> bool:
    """Whether the input is a path of a folder."""
    return isinstance(inputs, str | Path) and Path(inputs).is_dir()


def is_several(inputs: Image | Sequence[Image]) -> bool:
    """Whether the input is a folder or a list."""
    return is_folder(inputs) or isinstance(inputs, list | tuple)


def images_for_task(
    inputs: Image | Sequence[Image],
    task: str,
    boxes: Any,
    labels: Any,
    classes: Sequence[str],
    first_number: int = 0,
    max_objects: int = MAX_OBJECTS,
    scores: Any = None,
    label_map: LabelMap | None = None,
) -> list[InputImage]:
    """List the images, with what a task takes of what a user gave.

    Args:
        inputs: See :func:`list_images`.
        task: 'predcls', 'sgcls' or 'sgdet'.
        boxes: (N, 4), original-image pixels; of several images one entry
            each.
        labels: N names or numbers, likewise.
        classes: The vocabulary.
        first_number: Of arrays, which have no name.
        max_objects: The most boxes of an image.
        scores: N numbers from 0 to 1, likewise; of predcls.
        label_map: As of :func:`read_given`.

    Raises:
        ValueError: Where labels are missing or counts differ, or by
            :func:`read_given`.
    """
    sources = list_images(inputs)
    stems = output_stems(sources, first_number)
    images = [*map(InputImage, sources, stems)]
    if task == 'sgdet':
        return images
    if not is_several(inputs):
        boxes, labels = [boxes], [labels]
        scores = None if scores is None else [scores]
    if task == 'sgcls':
        labels = [None] * len(images)
    elif any(entry is None for entry in labels):
        raise ValueError("task 'predcls' needs labels for each image")
    sure: Sequence = [None] * len(images) if scores is None else scores
    given = dict(boxes=boxes, labels=labels, scores=sure)
    for what, values in given.items():
        if len(values) != len(images):
            raise ValueError(
                f'there are {len(images)} images, but {what} for '
                f'{len(values)}; give one entry an image'
            )
    return [
        image._replace(
            given=read_given(
                rows, names, image.name, classes, max_objects, sure, label_map
            )
        )
        for image, rows, names, sure in zip(
            images, *given.values(), strict=True
        )
    ]


def list_images(inputs: Image | Sequence[Image]) -> list[str | np.ndarray]:
    """List what a path, a folder, an array or a list of these stands for.

    Args:
        inputs: The images of a folder come sorted by name, without those of
            its subfolders.

    Raises:
        TypeError: On something else.
        ValueError: On an array that is no image, or nothing at all.
    """
    if isinstance(inputs, str | Path) and is_folder(inputs):
        images: list[str | np.ndarray] = sorted(
            str(path)
            for path in Path(inputs).iterdir()
            if path.suffix.lower() in IMG_EXTENSIONS
        )
        if not images:
            raise ValueError(
                f"there is no image in the folder '{inputs}'; images end in "
                f'{", ".join(IMG_EXTENSIONS)}'
            )
        return images
    several: Any = inputs if isinstance(inputs, list | tuple) else [inputs]
    return [_checked(image) for image in several]


def _checked(image: Image) -> str | np.ndarray:
    """See that an image is one, and make a path a string."""
    if isinstance(image, str | Path):
        return str(image)
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f'an image is a path or an array, not a {type(image).__name__}'
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f'an image array is (height, width, 3), BGR; not {image.shape}'
        )
    if image.dtype != np.uint8:
        raise ValueError(
            f'an image array is uint8, 0 to 255; not {image.dtype}'
        )
    return image


def output_stems(
    images: Iterable[str | np.ndarray], first_number: int = 0
) -> Iterator[str]:
    """Name files after images, each once; arrays are numbered.

    Args:
        images: Paths and arrays.
        first_number: Of the arrays.

    Yields:
        Names without folder and ending.

    Examples:
        >>> list(output_stems(['a/1.jpg', 'b/1.png', np.zeros(1)]))
        ['1', '1_2', '00000000']
    """
    taken = set()
    for image in images:
        if isinstance(image, str):
            stem = Path(image).stem
        else:
            stem = f'{first_number:08d}'
            first_number += 1
        unique, count = stem, 1
        while unique in taken:
            count += 1
            unique = f'{stem}_{count}'
        taken.add(unique)
        yield unique


def report_failed(failed: dict[str, str], count: int) -> None:
    """Warn of the images of a folder that did not load.

    Args:
        failed: For each of them a message.
        count: All images of the folder.

    Raises:
        ValueError: If none did.
    """
    if not failed:
        return
    lines = [f'  {message}' for message in failed.values()]
    lines[10:] = ['  ...'] if len(lines) > 10 else []
    message = '\n'.join(
        [f'{len(failed)} of {count} images did not load:', *lines]
    )
    if len(failed) == count:
        raise ValueError(message)
    warnings.warn(message, stacklevel=3)
