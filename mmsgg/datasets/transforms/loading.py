"""Load images and the relations between their instances."""

import mmcv.transforms
import numpy as np
from mmdet.datasets.transforms import LoadAnnotations

from mmsgg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageFromFile(mmcv.transforms.LoadImageFromFile):
    """mmcv's transform, which here names the file that does not decode."""

    def transform(self, results: dict) -> dict | None:
        """Load ``img`` from ``img_path``.

        Args:
            results: The item, with ``img_path``.

        Returns:
            The item with ``img``, ``img_shape`` and ``ori_shape``.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not an image.
        """
        try:
            return super().transform(results)
        except FileNotFoundError:
            raise
        # each decoder fails in its own way
        except Exception as error:
            raise ValueError(
                f'{results["img_path"]} does not decode as an image '
                f'({type(error).__name__}: {error}); fetch it again'
            ) from error


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
