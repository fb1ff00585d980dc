"""Predictions for Label Studio, where a person corrects them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .annotation_tools import check_image, stored_name


def write_label_studio(
    path: str | Path,
    graphs: Iterable[Mapping[str, Any]],
    prefix: str = '/data/local-files/?d=',
) -> None:
    """Write tasks with predictions, to be imported into a project.

    What it exports after correction,
    :class:`mmsgg.datasets.LabelStudioDataset` reads. The labeling interface
    calls its ``RectangleLabels`` 'label' and its ``Image`` 'image'.

    Args:
        path: The JSON file to write.
        graphs: From :func:`mmsgg.evaluation.graph_to_dict`.
        prefix: What Label Studio finds the images by, before their names.

    Raises:
        ValueError: Where a graph lacks the size of its image, or its name.
    """
    tasks = [
        dict(
            data=dict(
                image=f'{prefix}{graph["file_name"]}',
                img_id=graph['id'],
                width=graph['width'],
                height=graph['height'],
            ),
            predictions=[
                dict(model_version='mmsgg', result=label_studio_results(graph))
            ],
        )
        for graph in graphs
    ]
    Path(path).write_text(json.dumps(tasks), encoding='utf-8')


def label_studio_results(graph: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rectangles and relations of a graph, as Label Studio has them.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`; scores may be
            missing.

    Raises:
        ValueError: Where the graph lacks the size of its image, or its name.
    """
    check_image(graph, 'Label Studio')
    width, height = graph['width'], graph['height']
    results: list[dict[str, Any]] = []
    for item in graph['objects']:
        x1, y1, x2, y2 = item['box']
        result = dict(
            id=str(item['id']),
            type='rectanglelabels',
            from_name='label',
            to_name='image',
            original_width=width,
            original_height=height,
            image_rotation=0,
            value=dict(
                x=100 * x1 / width,
                y=100 * y1 / height,
                width=100 * (x2 - x1) / width,
                height=100 * (y2 - y1) / height,
                rotation=0,
                rectanglelabels=[stored_name(item)],
            ),
        )
        results.append(_with_score(result, item))
    for item in graph['triplets']:
        result = dict(
            type='relation',
            from_id=str(item['subject_id']),
            to_id=str(item['object_id']),
            direction='right',
            labels=[stored_name(item)],
        )
        results.append(_with_score(result, item))
    return results


def _with_score(
    result: dict[str, Any], item: Mapping[str, Any]
) -> dict[str, Any]:
    score = item.get('score')
    return result if score is None else dict(result, score=score)
