"""Predicted scene graphs as JSON, for other programs to read.

``docs/result_file.md`` describes the file.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .functional import (
    PredictedGraph,
    masks_of,
    predicted_graph,
    rank_triplets,
)
from .functional.hit_ranks import triplet_scores

FORMAT, VERSION = 'mmsgg-scene-graphs', 1

Names = Sequence[str] | None


def graph_to_dict(
    sample: Mapping[str, Any],
    classes: Names = None,
    predicates: Names = None,
    topk: int = 100,
    score_thr: float = 0.0,
    predicates_per_pair: int = 1,
) -> dict[str, Any]:
    """Make the JSON entry of one image.

    Args:
        sample: ``SGDataSample.to_dict()`` or a dict alike with
            ``pred_instances`` {bboxes, labels, scores}, boxes in
            original-image pixels, and ``pred_relations`` {pairs,
            predicate_scores[, scores]}; masks of the objects are written too.
        classes: Names of the object classes; without them ``name`` is None.
        predicates: Names of the predicates.
        topk: The most triplets.
        score_thr: The least score of a triplet.
        predicates_per_pair: How many predicates of a pair may be listed.

    Returns:
        ``id, file_name, width, height, objects, triplets``.

    Examples:
        >>> import numpy as np
        >>> graph = graph_to_dict(
        ...     dict(
        ...         img_id=7, img_path='a/7.jpg', ori_shape=(30, 40),
        ...         pred_instances=dict(
        ...             bboxes=np.array([[0, 0, 9, 9], [5, 5, 9, 9.5]]),
        ...             labels=np.array([1, 0]), scores=np.array([0.5, 1])),
        ...         pred_relations=dict(
        ...             pairs=np.array([[0, 1]]),
        ...             predicate_scores=np.array([[0.2, 0.6]]))),
        ...     classes=['hat', 'man'], predicates=['on', 'wears'])
        >>> graph['objects'][0]
        {'id': 0, 'label': 1, 'name': 'man', 'box': [0.0, 0.0, 9.0, 9.0], \
'score': 0.5}
        >>> graph['triplets']
        [{'subject_id': 0, 'object_id': 1, 'label': 1, 'name': 'wears', \
'score': 0.3}]
    """
    masks = masks_of(sample['pred_instances']) is not None
    graph = predicted_graph(sample, masks)
    height, width = (sample.get('ori_shape') or (None, None))[:2]
    path = sample.get('img_path')
    return dict(
        id=sample.get('img_id'),
        file_name=None if path is None else Path(path).name,
        width=width,
        height=height,
        objects=_objects(graph, classes),
        triplets=_triplets(
            graph, predicates, topk, score_thr, predicates_per_pair
        ),
    )


def write_scene_graphs(
    path: str | Path, graphs: Iterable[Mapping[str, Any]]
) -> None:
    """Write the entries of the images, one a line, without holding them all.

    Args:
        path: The file to write.
        graphs: From :func:`graph_to_dict`.

    Raises:
        ValueError: On a value that JSON does not have, such as nan.
    """
    # half a surrogate pair, which UTF-8 has not, becomes JSON's escape
    with Path(path).open(
        'w', encoding='utf-8', errors='backslashreplace'
    ) as file:
        head = json.dumps(dict(format=FORMAT, version=VERSION))
        file.write(f'{head[:-1]}, "images": [')
        for number, graph in enumerate(graphs):
            line = json.dumps(graph, allow_nan=False, ensure_ascii=False)
            file.write(f'{"," if number else ""}\n{line}')
        file.write('\n]}\n')


def read_scene_graphs(path: str | Path) -> list[dict[str, Any]]:
    """Read the entries of the images.

    Args:
        path: A file of :func:`write_scene_graphs`.

    Returns:
        One dict an image.

    Raises:
        ValueError: Where the file is missing, broken or of another format,
            or a triplet points to an object that is not there; the message
            names the file.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read JSON from '{path}': {error}") from error
    if not isinstance(content, dict) or content.get('format') != FORMAT:
        raise ValueError(f'\'{path}\' has no "format": "{FORMAT}"')
    if content.get('version') != VERSION:
        raise ValueError(
            f"'{path}' is of version {content.get('version')}, this reads "
            f'version {VERSION}'
        )
    for number, graph in enumerate(content['images']):
        ids = {item['id'] for item in graph['objects']}
        for item in graph['triplets']:
            if not {item['subject_id'], item['object_id']} <= ids:
                raise ValueError(
                    f"'{path}', image {number}: the triplet {item} points to "
                    'an object that is not there'
                )
    return content['images']


def _objects(graph: PredictedGraph, classes: Names) -> list[dict]:
    """The entries of the objects, in their order."""
    columns = zip(
        graph.labels.tolist(),
        graph.boxes.astype(float).tolist(),
        graph.scores.tolist(),
        strict=True,
    )
    objects = [
        dict(
            id=number,
            label=label,
            name=_name(label, classes),
            box=[round(value, 2) for value in box],
            score=_digits(score),
        )
        for number, (label, box, score) in enumerate(columns)
    ]
    for item, mask in zip(objects, graph.masks or (), strict=False):
        item['mask'] = dict(mask, counts=mask['counts'].decode())
    return objects


def _triplets(
    graph: PredictedGraph,
    predicates: Names,
    topk: int,
    score_thr: float,
    predicates_per_pair: int,
) -> list[dict]:
    """The entries of the triplets, best first."""
    kept, labels = rank_triplets(graph, topk, predicates_per_pair)
    pairs = graph.pairs[kept]
    scores = triplet_scores(graph, kept, labels)
    return [
        dict(
            subject_id=subject,
            object_id=object_,
            label=label,
            name=_name(label, predicates),
            score=_digits(score),
        )
        for (subject, object_), label, score in zip(
            pairs.tolist(), labels.tolist(), scores.tolist(), strict=True
        )
        if score >= score_thr
    ]


def _name(label: int, names: Names) -> str | None:
    return None if names is None else names[label]


def _digits(score: float) -> float:
    """Six significant digits, which is what single precision holds."""
    return float(f'{score:.6g}')
