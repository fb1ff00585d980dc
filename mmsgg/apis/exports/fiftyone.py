"""Predictions for FiftyOne, where a person looks through and corrects them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .annotation_tools import check_image, stored_name


def write_fiftyone(
    path: str | Path, graphs: Iterable[Mapping[str, Any]]
) -> None:
    """Write what FiftyOne imports as ``COCODetectionDataset``.

    That is COCO's JSON. FiftyOne knows no relations: a box has its number in
    the image as attribute ``object_id`` and, as attribute ``relations``, what
    it is the subject of, such as 'on 3'. Back leads :func:`read_fiftyone`.

    Args:
        path: The JSON file to write.
        graphs: From :func:`mmsgg.evaluation.graph_to_dict`; scores may be
            missing.

    Raises:
        ValueError: Where a graph lacks the size of its image, or its name.
    """
    graphs = list(graphs)
    names = sorted(
        {stored_name(item) for g in graphs for item in g['objects']}
    )
    ids = {name: number for number, name in enumerate(names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, graph in enumerate(graphs, start=1):
        check_image(graph, 'FiftyOne')
        image = {key: graph[key] for key in ('file_name', 'width', 'height')}
        images.append(dict(image, id=number))
        for annotation in _boxes(graph, ids):
            own = dict(id=len(annotations) + 1, image_id=number)
            annotations.append(annotation | own)
    categories = [dict(id=ids[name], name=name) for name in names]
    lists = dict(images=images, categories=categories, annotations=annotations)
    Path(path).write_text(json.dumps(lists), encoding='utf-8')


def read_fiftyone(path: str | Path) -> dict[str, list[dict[str, Any]]]:
    """Turn what FiftyOne exports into what ``SceneGraphJsonDataset`` reads.

    Args:
        path: COCO's JSON, exported as ``COCODetectionDataset``.

    Returns:
        The lists of that file, with ``predicates`` and ``relations``. A
        relation whose object was deleted is left out.

    Raises:
        ValueError: On a relation that is no predicate and number, or a number
            that two boxes of an image have.
    """
    lists = json.loads(Path(path).read_text(encoding='utf-8'))
    annotations = lists.setdefault('annotations', [])
    ids: dict[tuple, Any] = {}
    for item in annotations:
        key = item['image_id'], str(item.get('object_id', ''))
        if key[1] and ids.setdefault(key, item['id']) != item['id']:
            raise ValueError(
                f"'{path}': two boxes of image {key[0]} have object_id "
                f'{key[1]}'
            )
    predicates: dict[str, int] = {}
    relations = []
    for item in annotations:
        for relation in item.get('relations') or ():
            name, _, number = relation.rpartition(' ')
            if not (name and number.isdecimal()):
                raise ValueError(
                    f"'{path}': {relation!r} is no predicate and object_id, "
                    "as in 'on 3'"
                )
            row = dict(image_id=item['image_id'], subject_id=item['id'])
            row['object_id'] = ids.get((item['image_id'], number))
            if row['object_id'] is not None:
                row['predicate_id'] = predicates.setdefault(
                    name, len(predicates) + 1
                )
                relations.append(row)
    named = [dict(id=number, name=name) for name, number in predicates.items()]
    return lists | dict(predicates=named, relations=relations)


def _boxes(
    graph: Mapping[str, Any], category_ids: Mapping[str, int]
) -> Iterable[dict[str, Any]]:
    """Yield the boxes of an image, each with the relations it begins."""
    for item in graph['objects']:
        x1, y1, x2, y2 = item['box']
        box = dict(
            category_id=category_ids[stored_name(item)],
            bbox=[x1, y1, x2 - x1, y2 - y1],
            area=(x2 - x1) * (y2 - y1),
            iscrowd=0,
            object_id=item['id'],
            relations=[
                f'{stored_name(triplet)} {triplet["object_id"]}'
                for triplet in graph['triplets']
                if triplet['subject_id'] == item['id']
            ],
        )
        score = item.get('score')
        yield box if score is None else dict(box, score=score)
