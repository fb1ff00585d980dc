"""Boxes and classes that a user gives with an image."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmsgg.models.detectors.scene_graph_detector import TASKS

from .input_limits import MAX_OBJECTS, check_objects
from .vocabulary import numbers_of

LabelMap = Mapping[Any, str | int | None]

_FORMAT = 'boxes are [x1, y1, x2, y2] in pixels of the original image'
_MARGIN = 1  # pixels that a box may reach out; it is cut off


class GivenObjects(NamedTuple):
    """What is known of one image: N objects."""

    bboxes: np.ndarray  # (N, 4) float32, original-image pixels
    labels: np.ndarray  # (N,) int64; zeros where no class is known
    scores: np.ndarray | None = None  # (N,) float32; None for certain

    def instances(self, height: int, width: int, image: str) -> InstanceData:
        """Check the boxes against the image and make ``gt_instances``.

        Args:
            height: Of the original image, pixels.
            width: Of the original image, pixels.
            image: Its name, for messages.

        Returns:
            ``bboxes`` (N, 4), original-image pixels, ``labels`` (N,), and
            ``scores`` (N,) where there are any.

        Raises:
            ValueError: Where a box is not of this image, or too small.
        """
        size = np.array([width, height], dtype=np.float32)
        for row, box in enumerate(self.bboxes):
            numbers = ', '.join(f'{value:g}' for value in box)
            where = f'box {row} of {image}, [{numbers}],'
            if (box[2:] - box[:2] < 1).any():
                raise ValueError(
                    f'{where} is not 1 pixel wide and high; {_FORMAT}'
                )
            if (box < -_MARGIN).any() or (box[2:] > size + _MARGIN).any():
                raise ValueError(
                    f'{where} reaches out of the image, which is '
                    f'{width} x {height} pixels; {_FORMAT}'
                )
        bboxes = self.bboxes.clip(0, np.tile(size, 2))
        instances = InstanceData(
            bboxes=torch.from_numpy(bboxes),
            labels=torch.from_numpy(self.labels),
        )
        if self.scores is not None:
            instances.scores = torch.from_numpy(self.scores)
        return instances


def task_of(
    task: str | None, boxes: Any, labels: Any, has_detector: bool = True
) -> str:
    """The task that was asked for, or the one that takes what is given.

    Raises:
        ValueError: On an unknown task, or where something is missing.

    Examples:
        >>> task_of(None, boxes=[[0, 0, 9, 9]], labels=None)
        'sgcls'
    """
    if task is None and boxes is None and labels is not None:
        raise ValueError('labels need boxes')
    if (task == 'sgdet' or boxes is None) and not has_detector:
        raise ValueError(
            'this model has no detector and takes boxes and labels; those of '
            'any detector do (docs/inference.md, Objects of a detector)'
        )
    if task is None and boxes is None:
        return 'sgdet'
    if task is None:
        return 'sgcls' if labels is None else 'predcls'
    if task not in TASKS:
        raise ValueError(
            f"unknown task '{task}'; there are {', '.join(TASKS)}"
        )
    if task != 'sgdet' and boxes is None:
        raise ValueError(f"task '{task}' needs boxes")
    if task == 'predcls' and labels is None:
        raise ValueError("task 'predcls' needs the labels of the boxes")
    return task


def read_given(
    boxes: Any,
    labels: Any,
    image: str,
    classes: Sequence[str],
    max_objects: int = MAX_OBJECTS,
    scores: Any = None,
    label_map: LabelMap | None = None,
) -> GivenObjects:
    """Read what a user gave for one image.

    Args:
        boxes: (N, 4) array, tensor, mmdet's boxes or list.
        labels: N names or numbers, or None.
        image: Its name, for messages.
        classes: The vocabulary.
        max_objects: The most boxes to take.
        scores: N numbers from 0 to 1, how sure the labels are, or None.
        label_map: What the model calls a class of ``labels``, where it has
            another name; boxes of a class that stands for None are left out.

    Raises:
        ValueError: Where there are more, or they do not have this form; the
            message says which.
    """
    boxes = getattr(boxes, 'tensor', boxes)  # mmdet's boxes
    check_objects(f'the boxes of {image}', boxes, max_objects)
    if isinstance(boxes, torch.Tensor):
        boxes = boxes.detach().cpu()
    try:
        array = np.asarray(boxes, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'the boxes of {image} are not numbers ({error}); {_FORMAT}'
        ) from error
    if array.size == 0:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(
            f'the boxes of {image} have the shape {array.shape}, not (N, 4); '
            f'{_FORMAT}'
        )
    if not np.isfinite(array).all():
        raise ValueError(f'the boxes of {image} hold nan or infinity')
    if labels is None:
        return GivenObjects(array, np.zeros(len(array), dtype=np.int64))
    if isinstance(labels, str) or len(labels) != len(array):
        count = 'one' if isinstance(labels, str) else len(labels)
        raise ValueError(f'{image} has {len(array)} boxes, but {count} labels')
    if label_map is not None:
        labels = [label_map.get(label, label) for label in as_list(labels)]
    kept = [row for row, label in enumerate(labels) if label is not None]
    try:
        numbers = numbers_of([labels[row] for row in kept], classes)
    except ValueError as error:
        raise ValueError(
            f'labels of {image}: {error} (label_map={{name: class}} '
            'translates names, {name: None} leaves them out)'
        ) from error
    return GivenObjects(
        array[kept],
        np.array(numbers, dtype=np.int64),
        None if scores is None else _read_scores(scores, image, array)[kept],
    )


def as_list(values: Any) -> list:
    """Numbers or names of an array, a tensor or a sequence, as plain ones."""
    return values.tolist() if hasattr(values, 'tolist') else list(values)


def _read_scores(scores: Any, image: str, boxes: np.ndarray) -> np.ndarray:
    """Read one score a box; see :func:`read_given`."""
    array = np.asarray(as_list(scores), dtype=np.float32)
    if array.shape != (len(boxes),):
        raise ValueError(
            f'{image} has {len(boxes)} boxes, but scores of the shape '
            f'{array.shape}'
        )
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(
            f'the scores of {image} are from {array.min():g} to '
            f'{array.max():g}, not from 0 to 1'
        )
    return array
