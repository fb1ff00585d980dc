"""Load images and the relations between their instances."""

from typing import Any

import mmcv
import numpy as np
from mmdet.datasets.transforms import LoadAnnotations
from mmengine import fileio

from mmsgg.registry import TRANSFORMS


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
    # After its last start of scan, a JPEG has an end of image.
    if data[:2] == b'\xff\xd8' and (
        data.rfind(b'\xff\xd9') < data.rfind(b'\xff\xda')
    ):
        raise ValueError('its end is missing')
    return image


@TRANSFORMS.register_module()
class LoadImageFromFile(mmcv.transforms.LoadImageFromFile):
    """mmcv's transform, which here names the file that does not decode.

    mmcv's ``ignore_empty`` and ``file_client_args`` are refused.
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
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not an image, or ends early.
        """
        path = results['img_path']
        data = fileio.get(path, backend_args=self.backend_args)
        try:
            image = decode_image(
                data, flag=self.color_type, backend=self.imdecode_backend
            )
        except ValueError as error:
            raise ValueError(
                f'{path} does not decode as an image ({error}); fetch it again'
            ) from error
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
        **kwargs: Of :class:`mmdet.datasets.transforms.LoadAnnotations`.
    """

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
                "'mmdet.LoadAnnotations'"
            )
        relations = results['relations']
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
