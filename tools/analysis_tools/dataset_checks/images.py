"""Read every image file once, and say which do not decode as described."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import mmengine.fileio
from mmengine.utils import track_iter_progress

from mmsgg.datasets.transforms.loading import decode_image

from .graphs import OpenedDataset, train_and_test
from .report import ProblemReport


class ImageFile(NamedTuple):
    """What a file turned out to be."""

    path: str
    height: int = 0  # pixels
    width: int = 0  # pixels
    digest: bytes = b''  # equal for equal files only
    problem: str | None = None  # a kind of PROBLEM_KINDS
    message: str = ''


def inspect_image(path: str, color_type: str = 'color') -> ImageFile:
    """Read and decode a file as the pipelines do.

    Args:
        path: Of the image.
        color_type: Of the transform that loads it; decides on whether its
            EXIF orientation turns it.

    Returns:
        Its size, or what is wrong with it.
    """
    try:
        data = mmengine.fileio.get(path)
    except OSError as error:
        return ImageFile(path, problem='missing image', message=str(error))
    try:
        image = decode_image(data, flag=color_type)
    except ValueError as error:
        text = f'{len(data)} bytes, {error}'
        return ImageFile(path, problem='undecodable image', message=text)
    height, width = image.shape[:2]
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return ImageFile(path, height, width, digest)


def inspect_images(
    paths: Mapping[str, str], num_threads: int = 4
) -> dict[str, ImageFile]:
    """Inspect files in parallel, with a progress bar.

    Args:
        paths: Of the images, each with the ``color_type`` it is loaded with.
        num_threads: How many to decode at once.

    Returns:
        What each path turned out to be.
    """
    if not paths:
        return {}
    with ThreadPoolExecutor(num_threads) as pool:
        found = pool.map(inspect_image, paths, paths.values())
        # stdout is for the report
        files = list(track_iter_progress((found, len(paths)), file=sys.stderr))
    return dict(zip(paths, files, strict=True))


def check_split_images(
    report: ProblemReport, opened: Sequence[OpenedDataset]
) -> None:
    """Hold data sets against their image files.

    Args:
        report: Takes what is wrong.
        opened: The data sets of a config whose pipelines open images.
    """
    paths = [_image_paths(report, one) for one in opened]
    files = inspect_images(
        {
            path: _color_type(one)
            for one, some in zip(opened, paths, strict=True)
            for path in some.values()
        }
    )
    by_name = {}
    for one, some in zip(opened, paths, strict=True):
        by_name[one.name] = {row: files[path] for row, path in some.items()}
        for row, path in some.items():
            _check_image(report, one, row, path, files[path])
    for one, other in train_and_test(opened):
        _check_content(report, one, other, by_name)


def _color_type(opened: OpenedDataset) -> str:
    """Look up how the pipeline of a data set loads its images."""
    for step in opened.dataset.pipeline.transforms:
        if hasattr(step, 'color_type'):
            return step.color_type
    return 'color'


def _image_paths(
    report: ProblemReport, opened: OpenedDataset
) -> dict[int, str]:
    """Ask for the image of each item; a data set may not find it."""
    paths = {}
    for row in range(len(opened.graphs)):
        try:
            paths[row] = opened.dataset.get_data_info(row)['img_path']
        except FileNotFoundError as error:
            report.add_one(
                'missing image', f'{opened.name} item {row}: {error}'
            )
    return paths


def _check_image(
    report: ProblemReport,
    opened: OpenedDataset,
    row: int,
    path: str,
    file: ImageFile,
) -> None:
    where = f'{opened.name} item {row}: {path}'
    if file.problem is not None:
        report.add_one(file.problem, f'{where}: {file.message}')
    size = file.width, file.height
    expected = opened.graphs.widths[row], opened.graphs.heights[row]
    guessed = getattr(opened.dataset, 'guessed_sizes', ())
    if opened.graphs.img_ids[row] in guessed:
        return
    if file.width and size != expected:
        report.add_one(
            'image of another size',
            f'{where} has {size[0]} x {size[1]} pixels, the annotation says '
            f'{expected[0]} x {expected[1]}',
        )


def _check_content(
    report: ProblemReport,
    one: OpenedDataset,
    other: OpenedDataset,
    files: dict[str, dict[int, ImageFile]],
) -> None:
    """Look for equal files; the same name was looked for before."""
    known = {
        file.digest: (row, file)
        for row, file in files[one.name].items()
        if file.digest
    }
    for other_row, other_file in files[other.name].items():
        row, file = known.get(other_file.digest, (None, None))
        if file is not None and file.path != other_file.path:
            report.add_one(
                'same content in train and test',
                f'{one.name} item {row}: {file.path}; {other.name} item '
                f'{other_row}: {other_file.path}',
            )
