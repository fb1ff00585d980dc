"""Load the detections of another program."""

import os.path as osp
from functools import cached_property

import numpy as np
from mmcv.transforms import BaseTransform

from mmsgg.datasets.json_file import read_json
from mmsgg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadDetections(BaseTransform):
    """Load boxes with classes and scores from a JSON file.

    It holds for each image, under the name of its file, a list of
    ``{"bbox": [x1, y1, x2, y2], "category": int, "score": float}``: pixels
    of the original image and classes, both counted from 0. An image that is
    not in the file has no detections.

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
        name = osp.basename(results['img_path'])
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
        bboxes = np.array(bboxes, dtype=np.float32).reshape(-1, 4)
        results['proposals'] = bboxes
        results['proposals_scores'] = np.array(scores, dtype=np.float32)
        results['proposals_labels'] = np.array(labels, dtype=np.int64)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ann_file={self.ann_file!r})'
