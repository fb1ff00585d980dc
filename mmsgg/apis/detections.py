"""What detectors of other packages found, as an inferencer takes it.

Each function returns ``boxes``, ``labels`` and ``scores``, the arguments of
:meth:`SGGInferencer.__call__`. None of the packages is imported.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mmengine

from mmsgg.datasets import CVATDataset

from .given_objects import as_list

Given = dict[str, list]
#: Names by the numbers that a detector gives its classes.
Names = Sequence[str] | Mapping[int, str]


def from_supervision(detections: Any, names: Names | None = None) -> Given:
    """Objects of a ``supervision.Detections``.

    Args:
        detections: With ``xyxy`` (N, 4), and ``class_id`` or, in ``data``,
            ``class_name``; ``confidence`` where there is one.
        names: Of the ``class_id``, where there is no ``class_name``.

    Raises:
        ValueError: Where the classes have no names.
    """
    labels = (detections.data or {}).get('class_name')
    if labels is None:
        labels = _named(detections.class_id, names)
    return _given(detections.xyxy, labels, detections.confidence)


def from_ultralytics(result: Any) -> Given:
    """Objects of an ``ultralytics.engine.results.Results``, of one image."""
    found = result.boxes
    return _given(found.xyxy, _named(found.cls, result.names), found.conf)


def from_detections(
    detections: Any,
    names: Names | None = None,
    image: int | str | None = None,
    score_thr: float = 0.0,
) -> Given:
    """Objects of one image, of a detector's results or of a file.

    ==========================================  ===========  ==============
    detections                                  names        image
    ==========================================  ===========  ==============
    what mmdet's DetInferencer returned, or     of classes   its place
    one of its predictions
    COCO's list of results, or its JSON file    {id: name}   ``image_id``
    ``annotations.xml`` of CVAT                 in the file  name of a file
    ==========================================  ===========  ==============

    Args:
        detections: One of these.
        names: The classes of the detector, such as ``dataset_meta
            ['classes']`` of its model; COCO's ids are no places in a list.
        image: Which image; may be left out where there is but one.
        score_thr: The least score to take.

    Raises:
        ValueError: Where it is none of these, there is no such image, or a
            class has no name.
    """
    if isinstance(detections, str | Path):
        if str(detections).endswith('.xml'):
            return _of_cvat(Path(detections), image)
        detections = mmengine.load(detections)
    if isinstance(detections, Mapping):
        one = _one_prediction(detections, image)
        boxes, labels = as_list(one['bboxes']), as_list(one['labels'])
        scores = as_list(one['scores'])
    else:
        rows = _of_image(detections, image)
        if names is not None and not isinstance(names, Mapping):
            raise ValueError(
                'categories of COCO results have ids, which are no places in '
                'a list; pass names={category id: name}'
            )
        boxes = [_corners(*row['bbox']) for row in rows]
        labels = [row['category_id'] for row in rows]
        scores = [row['score'] for row in rows]
    kept = [row for row, score in enumerate(scores) if score >= score_thr]
    return _given(
        [boxes[row] for row in kept],
        _named([labels[row] for row in kept], names),
        [scores[row] for row in kept],
    )


def _given(boxes: Any, labels: Any, scores: Any) -> Given:
    """Plain lists of the three; without scores all are certain."""
    given = dict(boxes=as_list(boxes), labels=as_list(labels))
    return given if scores is None else given | dict(scores=as_list(scores))


def _named(numbers: Any, names: Names | None) -> list[str]:
    """Name classes; numbers of one vocabulary are others in the next."""
    if names is None:
        raise ValueError(
            'the detections number their classes; pass names=..., such as '
            'the classes of the detector'
        )
    try:
        return [names[int(number)] for number in as_list(numbers)]
    except (IndexError, KeyError) as error:
        raise ValueError(
            f'a detection has the class {error.args[0]!r}, which names lack'
            if isinstance(error, KeyError)
            else f'a detection has a class that the {len(names)} names lack'
        ) from error


def _corners(x: float, y: float, width: float, height: float) -> list[float]:
    return [x, y, x + width, y + height]


def _one_prediction(found: Mapping, image: int | str | None) -> Mapping:
    """The prediction of an image among those of mmdet's DetInferencer."""
    if 'predictions' not in found:
        predictions: Sequence = [found]
    else:
        predictions = found['predictions']
    if image is None and len(predictions) == 1:
        image = 0
    if not isinstance(image, int) or not 0 <= image < len(predictions):
        raise ValueError(
            f'there are predictions of {len(predictions)} images; say by '
            'image=... which one, counted from 0'
        )
    one = predictions[image]
    if not {'bboxes', 'labels', 'scores'} <= one.keys():
        raise ValueError(
            f'a prediction has {", ".join(one)}, not bboxes, labels and scores'
        )
    return one


def _of_image(rows: Iterable[Any], image: int | str | None) -> list[Mapping]:
    """The rows of an image among COCO's results."""
    rows = list(rows)
    keys = {'image_id', 'category_id', 'bbox', 'score'}
    if not all(isinstance(row, Mapping) and keys <= {*row} for row in rows):
        raise ValueError(
            'these are neither predictions of mmdet nor results of COCO, '
            f'rows of {", ".join(sorted(keys))}'
        )
    images = {row['image_id'] for row in rows}
    if image is None and len(images) > 1:
        raise ValueError(
            f'there are results of {len(images)} images; say by image=... '
            'which image_id'
        )
    # an image in which nothing was found is in no row
    return [row for row in rows if image in (None, row['image_id'])]


def _of_cvat(path: Path, image: int | str | None) -> Given:
    """The boxes of an image that were drawn in CVAT."""
    dataset = CVATDataset(
        ann_file=path.name, data_root=str(path.parent), image_folders=()
    )
    names = {Path(dataset[i]['img_path']).name: i for i in range(len(dataset))}
    if image is None and len(names) == 1:
        [image] = names
    if image not in names:
        raise ValueError(
            f"'{path}' has {len(names)} images; say by image=... the name of "
            f'one, such as {next(iter(names), None)}'
        )
    rows = dataset[names[image]]['instances']
    classes = dataset.metainfo['classes']
    return dict(
        boxes=[row['bbox'] for row in rows],
        labels=[classes[row['bbox_label']] for row in rows],
    )
