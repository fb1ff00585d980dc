"""Load images, the relations between their instances, and given boxes."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import mmcv
import mmdet.datasets.transforms
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import LoadAnnotations
from mmengine import fileio

from mmsgg.datasets.json_file import read_json
from mmsgg.fileio import read_records
from mmsgg.registry import TRANSFORMS

#: A marker of a JPEG that begins a segment, or the end of the image. The
#: others lie within what is encoded, or fill it up.
_MARKER = re.compile(rb'\xff[^\x00\x01\xd0-\xd8\xff]')


def decode_image(data: bytes, **kwargs: Any) -> np.ndarray:
    """Decode an image file, with one rule for all versions of OpenCV.

    Up to 4.10 it fills the rest of a JPEG that ends early with grey and says
    nothing; later ones, and Pillow, refuse such a file.

    Args:
        data: The file.
        **kwargs: Those of ``mmcv.imfrombytes``.

    Returns:
        (H, W, 3) uint8, BGR unless ``kwargs`` say otherwise.

    Raises:
        ValueError: If it does not decode, or not as a whole.
    """
    try:
        image = mmcv.imfrombytes(data, **kwargs)
    # each decoder fails in its own way
    except Exception as error:
        raise ValueError(f'{type(error).__name__}: {error}') from error
    if image is None:
        raise ValueError('it is damaged, or no image')
    if data[:2] == b'\xff\xd8' and not _has_end(data):
        raise ValueError('its end is missing')
    return image


def _has_end(data: bytes) -> bool:
    """Whether the end of a JPEG is there.

    Phones put a film or a second picture behind it, and a small picture,
    which has an end of its own, into a segment before.
    """
    start = 2
    while found := _MARKER.search(data, start):
        start = found.end()
        if data[start - 1] == 0xD9:
            return True
        start += int.from_bytes(data[start : start + 2], 'big')
    return False


class BrokenImageError(ValueError):
    """An image file that does not decode."""


class MissingImageError(FileNotFoundError):
    """An image file that is not there."""


def check_image_size(item: dict, shape: Sequence[int]) -> None:
    """Compare the size of an image with its annotation, where that has one.

    Boxes are in the pixels of the annotated image; in those of another size
    they are of something else.

    Args:
        item: With ``img_path`` and, where the annotation states a size,
            ``height`` and ``width``; ``size_is_guessed`` says that it does
            not.
        shape: (height, width) of the image as it was loaded.

    Raises:
        ValueError: If the sizes differ.
    """
    stated = item.get('height'), item.get('width')
    found = tuple(shape[:2])
    if None in stated or found == stated or item.get('size_is_guessed'):
        return
    remedy = (
        'correct the annotation, or fetch the image that was annotated'
        if found[::-1] != stated
        else 'probably its EXIF orientation turned it when it was loaded and '
        'not when it was annotated, or the other way round: set '
        "color_type='color_ignore_orientation' of LoadImageFromFile to load "
        'it as it is stored, or correct the annotation'
    )
    raise ValueError(
        f'{item["img_path"]} has {found[1]} x {found[0]} pixels, where its '
        f'annotation says {stated[1]} x {stated[0]}, so that its boxes would '
        f'be wrong; {remedy}'
    )


@TRANSFORMS.register_module()
class LoadImageFromFile(mmcv.transforms.LoadImageFromFile):
    """mmcv's transform, which here names the file that is not as it should be.

    mmcv's ``ignore_empty`` and ``file_client_args`` are refused.

    With ``color_type='color'`` the backends 'cv2' and 'pillow' turn an image
    as its EXIF orientation says, with 'color_ignore_orientation' they load
    it as it is stored; 'turbojpeg' and 'tifffile' never turn one. Which one
    the boxes of an annotation are meant for shows where width and height
    change places, and is checked; an image that is upside down, or mirrored,
    has the same size.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = 'color',
        imdecode_backend: str = 'cv2',
        *,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(
            to_float32, color_type, imdecode_backend, backend_args=backend_args
        )

    def transform(self, results: dict) -> dict:
        """Load ``img`` from ``img_path``.

        Args:
            results: The item, with ``img_path``.

        Returns:
            The item with ``img``, ``img_shape`` and ``ori_shape``.

        Raises:
            MissingImageError: If there is no such file.
            BrokenImageError: If the file is not an image, or ends early.
            ValueError: If its size is not the one of the annotation.
        """
        path = results['img_path']
        try:
            data = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError as error:
            raise MissingImageError(f'there is no image {path}') from error
        try:
            image = decode_image(
                data, flag=self.color_type, backend=self.imdecode_backend
            )
        except ValueError as error:
            raise BrokenImageError(
                f'{path} does not decode as an image ({error}); fetch it again'
            ) from error
        check_image_size(results, image.shape)
        if self.to_float32:
            image = image.astype(np.float32)
        shape = image.shape[:2]
        results.update(img=image, img_shape=shape, ori_shape=shape)
        return results


@TRANSFORMS.register_module()
class LoadRelationAnnotations(LoadAnnotations):
    """Load boxes, labels and the relations between them.

    Required keys: ``instances``, ``relations`` (and ``height``, ``width``
    where no image was loaded). Added to mmdet's keys:

    - ``gt_relation_pairs`` (R, 2) int64 [subject, object] rows of
      ``gt_bboxes``
    - ``gt_relation_labels`` (R,) int64 predicates
    - ``gt_relation_classes`` (N,) int64, the labels of the instances the
      pairs were made for; :class:`PackSGInputs` compares

    Args:
        merge_duplicates: Whether a relation that an image lists several times
            is loaded once, the first time. Other predicates of its pair stay.
        **kwargs: Of :class:`mmdet.datasets.transforms.LoadAnnotations`.
    """

    def __init__(self, merge_duplicates: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.merge_duplicates = merge_duplicates

    def transform(self, results: dict) -> dict:
        """Load what the class docstring says.

        Args:
            results: The item.

        Raises:
            KeyError: If the data set gives no relations.
        """
        results = super().transform(results)
        if 'relations' not in results:
            raise KeyError(
                "no 'relations' in the item: LoadRelationAnnotations needs a "
                'data set of scene graphs; to load boxes alone use '
                "'mmdet.LoadAnnotations', and for images without annotation "
                'SGGInferencer, not inference_detector'
            )
        relations = results['relations']
        if self.merge_duplicates:
            once = {(*r['pair'], r['predicate_label']): r for r in relations}
            relations = [*once.values()]
        results['gt_relation_pairs'] = np.array(
            [relation['pair'] for relation in relations], dtype=np.int64
        ).reshape(-1, 2)
        results['gt_relation_labels'] = np.array(
            [relation['predicate_label'] for relation in relations],
            dtype=np.int64,
        )
        results['gt_relation_classes'] = np.array(
            [instance['bbox_label'] for instance in results['instances']],
            dtype=np.int64,
        )
        if 'img' not in results:
            # a model without images still scales and clips boxes
            shape = (results['height'], results['width'])
            results.setdefault('ori_shape', shape)
            results.setdefault('img_shape', shape)
        return results


def proposals_of(path: str) -> dict[str, dict[str, np.ndarray]]:
    """The proposals of each image, by its name.

    Args:
        path: A file of :class:`LoadProposals`.

    Raises:
        ValueError: If it is none.
    """
    found = read_records(path)
    if isinstance(found, list):
        found = {record['img_name']: record['proposals'] for record in found}
    if not isinstance(found, dict):
        raise ValueError(f"'{path}' holds no proposals by the names of images")
    return found


@TRANSFORMS.register_module()
class LoadProposals(mmdet.datasets.transforms.LoadProposals):
    """mmdet's transform, which here takes the file itself.

    Args:
        proposal_file: As the metric ``DumpProposals`` writes it, or mmdet's
            in a pickle: the proposals of each image, named by its folder and
            file (``'VG_100K/1.jpg'``), with ``bboxes`` (n, 4), original-image
            pixels, and ``scores`` (n,), best first.
        num_max_proposals: How many of the first to take, all by default.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is broken, or a pickle of more than data.
    """

    def __init__(
        self, proposal_file: str, num_max_proposals: int | None = None
    ) -> None:
        super().__init__(num_max_proposals)
        if not Path(proposal_file).is_file():
            raise FileNotFoundError(
                f'there is no file of proposals {proposal_file}; write it '
                f"with the metric 'DumpProposals', or take "
                f'LoadProposals out of the pipeline and use an rpn_head'
            )
        self.proposal_file = proposal_file
        self.proposals = proposals_of(proposal_file)

    def transform(self, results: dict) -> dict:
        """Load ``proposals`` (n, 4) and ``proposals_scores`` (n,).

        Args:
            results: The item, with ``img_path``.

        Raises:
            KeyError: If the file has nothing for the image.
        """
        name = '/'.join(Path(results['img_path']).parts[-2:])
        if name not in self.proposals:
            raise KeyError(
                f'no proposals for {name} among the {len(self.proposals)} '
                f'images of {self.proposal_file}; write them with '
                f"the metric 'DumpProposals' on this split"
            )
        results['proposals'] = self.proposals[name]
        return super().transform(results)


@TRANSFORMS.register_module()
class LoadDetections(BaseTransform):
    """Load boxes with classes and scores from a JSON file.

    It holds for each image, under the name of its file, a list of
    ``{"bbox": [x1, y1, x2, y2], "category": int, "score": float}``: pixels
    of the original image and classes, both counted from 0. The name may have
    folders before it, ``'a/1.jpg'``; of several that fit, the one with the
    most counts. An image that is not in the file has no detections.

    Required keys: ``img_path``. Added keys: ``proposals`` (N, 4) float32,
    ``proposals_scores`` (N,) float32, ``proposals_labels`` (N,) int64.

    Args:
        ann_file: Path of the file.
    """

    def __init__(self, ann_file: str) -> None:
        self.ann_file = ann_file

    @cached_property
    def detections(self) -> dict[str, list[dict]]:
        """The content of the file, read when it is first needed."""
        return read_json(
            self.ann_file,
            'file of detections',
            'set LoadDetections.ann_file to a JSON file {image name: '
            '[{bbox, category, score}, ...]}',
        )

    def transform(self, results: dict) -> dict:
        """Load what the class docstring says.

        Args:
            results: The item.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no JSON or an entry lacks something.
        """
        parts = Path(results['img_path']).parts
        names = ['/'.join(parts[start:]) for start in range(len(parts))]
        name = next((n for n in names if n in self.detections), names[-1])
        found = self.detections.get(name, [])
        try:
            bboxes = [entry['bbox'] for entry in found]
            scores = [entry['score'] for entry in found]
            labels = [entry['category'] for entry in found]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'{self.ann_file}: a detection of {name!r} needs bbox, '
                f'category and score, but one lacks {error}; correct it'
            ) from error
        results['proposals'] = np.array(bboxes, np.float32).reshape(-1, 4)
        results['proposals_scores'] = np.array(scores, dtype=np.float32)
        results['proposals_labels'] = np.array(labels, dtype=np.int64)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ann_file={self.ann_file!r})'
