"""Graphs in the form of :func:`mmsgg.evaluation.graph_to_dict`, to be drawn.

Objects have their rows in the data sample as ``id``. A triplet that was
compared with another graph has ``hit``.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.structures import InstanceData

from mmsgg.evaluation.functional import match_objects, match_triplets
from mmsgg.evaluation.functional.scene_graphs import as_array

Graph = Mapping[str, Any]

# control, surrogate, unassigned, line and paragraph separators
_NO_GLYPH = ('Cc', 'Cs', 'Cn', 'Zl', 'Zp')


def read_graph(
    objects: InstanceData | None,
    relations: InstanceData | None,
    classes: Sequence[str] = (),
    predicates: Sequence[str] = (),
) -> dict[str, Any]:
    """Take a graph out of a data sample; what is missing counts as empty.

    Args:
        objects: ``gt_instances`` or ``pred_instances``, boxes in
            original-image pixels.
        relations: ``gt_relations`` or ``pred_relations``. Predictions are
            sorted by their scores, annotations stay as they are.
        classes: Names of the object classes.
        predicates: Names of the predicates.

    Returns:
        ``objects`` {id, label, name, box, score} and ``triplets``
        {subject_id, object_id, label, name, score}; boxes are (4,) arrays, a
        missing name or score is None. Relations that point to no object are
        left out. ``compared`` says whether triplets have ``hit``.
    """
    items = _read_objects(objects, classes)
    triplets = _read_triplets(relations, predicates, len(items))
    return dict(objects=items, triplets=triplets, compared=False)


def first_triplets(
    graph: Graph, count: int, score_thr: float = 0.0
) -> dict[str, Any]:
    """The graph with its first triplets only.

    Args:
        graph: Its triplets are sorted by score, where they have one.
        count: How many at most.
        score_thr: The least score, where there are scores.
    """
    likely = [t for t in graph['triplets'] if _passes(t, score_thr)]
    return dict(graph, triplets=likely[:count])


def drop_loose_objects(
    graph: Graph, score_thr: float, max_loose: int
) -> dict[str, Any]:
    """The graph without most objects that are in no triplet.

    Args:
        graph: The graph.
        score_thr: The least score of an object in no triplet.
        max_loose: How many of them stay, the best first.
    """
    kept = related_ids(graph)
    loose = [o for o in graph['objects'] if o['id'] not in kept]
    loose = [item for item in _best_first(loose) if _passes(item, score_thr)]
    kept |= {item['id'] for item in loose[:max_loose]}
    return dict(
        graph, objects=[o for o in graph['objects'] if o['id'] in kept]
    )


def mark_hits(
    predicted: Graph, true: Graph, iou_thr: float = 0.5
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both graphs with ``hit`` in their triplets, by the rule of the metric.

    Args:
        predicted: The prediction, with all its objects.
        true: The annotation, with all its objects.
        iou_thr: The least overlap of both boxes.

    Returns:
        The prediction, whose triplets say whether they hit one of the
        annotation, and the annotation, whose say whether they are hit.
    """
    object_match = match_objects(
        *_object_columns(predicted), *_object_columns(true), iou_thr
    )
    hits = match_triplets(
        object_match, *_triplet_columns(predicted), *_triplet_columns(true)
    )
    return (
        _with_hits(predicted, [row.any() for row in hits]),
        _with_hits(true, [row.any() for row in hits.T]),
    )


def related_ids(graph: Graph) -> set[int]:
    """The ids of the objects that are in a triplet."""
    ends = ('subject_id', 'object_id')
    return {item[end] for item in graph['triplets'] for end in ends}


def rows_of_pairs(graph: Graph) -> list[tuple[int, int]]:
    """Where subject and object of each triplet are among the objects."""
    row = {item['id']: i for i, item in enumerate(graph['objects'])}
    return [
        (row[item['subject_id']], row[item['object_id']])
        for item in graph['triplets']
    ]


def name_of(item: Mapping[str, Any]) -> str:
    """The name of an object or a triplet in one line, else its number.

    Examples:
        >>> name_of(dict(label=3, name='hat')), name_of(dict(label=3))
        ('hat', '3')
    """
    name = item.get('name')
    return ('' if name is None else one_line(str(name))) or str(item['label'])


def one_line(text: str) -> str:
    r"""A text without line breaks, control characters and double blanks.

    Examples:
        >>> one_line('traffic\n\x1blight')
        'traffic light'
    """
    letters = (
        ' ' if unicodedata.category(letter) in _NO_GLYPH else letter
        for letter in text
    )
    return ' '.join(''.join(letters).split())


def title_of(item: Mapping[str, Any]) -> str:
    """Name and id of an object, which tell it from others of its class.

    Examples:
        >>> title_of(dict(id=7, label=3, name='hat'))
        'hat-7'
    """
    return f'{name_of(item)}-{item["id"]}'


def object_names(graph: Graph) -> dict[int, str]:
    """What a text calls the objects: a number tells twins apart.

    Examples:
        >>> hat, man = (dict(name=name, label=0) for name in ('hat', 'man'))
        >>> object_names(dict(objects=[
        ...     dict(hat, id=0), dict(man, id=1), dict(hat, id=2)]))
        {0: 'hat-0', 1: 'man', 2: 'hat-2'}
    """
    twins = Counter(name_of(item) for item in graph['objects'])
    return {
        item['id']: title_of(item)
        if twins[name_of(item)] > 1
        else name_of(item)
        for item in graph['objects']
    }


def count_text(graph: Graph) -> str:
    """How many objects and relations there are.

    Examples:
        >>> count_text(dict(objects=[dict(id=0)], triplets=[]))
        '1 object, 0 relations'
    """
    objects, triplets = len(graph['objects']), len(graph['triplets'])
    return f'{counted(objects, "object")}, {counted(triplets, "relation")}'


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples:
        >>> counted(1, 'object'), counted(0, 'object')
        ('1 object', '0 objects')
    """
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def _read_objects(
    data: InstanceData | None, names: Sequence[str]
) -> list[dict[str, Any]]:
    boxes = np.nan_to_num(_column(data, 'bboxes').astype(np.float64))
    labels = [int(label) for label in _column(data, 'labels')]
    rows = zip(
        boxes.reshape(-1, 4), labels, _scores(data, len(labels)), strict=True
    )
    return [
        dict(id=i, label=label, name=_name(label, names), box=box, score=score)
        for i, (box, label, score) in enumerate(rows)
    ]


def _read_triplets(
    data: InstanceData | None, names: Sequence[str], num_objects: int
) -> list[dict[str, Any]]:
    if data is None or 'pairs' not in data or 'labels' not in data:
        return []
    pairs = _column(data, 'pairs').astype(np.int64).reshape(-1, 2)
    labels = [int(label) for label in _column(data, 'labels')]
    rows = zip(pairs.tolist(), labels, _scores(data, len(labels)), strict=True)
    triplets = [
        dict(
            subject_id=subject,
            object_id=object_,
            label=label,
            name=_name(label, names),
            score=score,
        )
        for (subject, object_), label, score in rows
        if 0 <= min(subject, object_) and max(subject, object_) < num_objects
    ]
    return _best_first(triplets)


def _column(data: InstanceData | None, name: str) -> np.ndarray:
    """The values of a field; none where it is missing."""
    value = None if data is None else data.get(name)
    return np.zeros(0) if value is None else as_array(value)


def _scores(data: InstanceData | None, count: int) -> list[float | None]:
    if data is None or 'scores' not in data:
        return [None] * count
    return _column(data, 'scores').tolist()


def _name(label: int, names: Sequence[str], longest: int = 24) -> str | None:
    """The name of a number, shortened; None where there is none."""
    if not 0 <= label < len(names):
        return None
    name = str(names[label])
    return name if len(name) <= longest else f'{name[: longest - 1]}\u2026'


def _best_first(items: list[dict]) -> list[dict]:
    """The items sorted by score; ties, and those without, keep their order."""
    scores = [
        0.0 if item['score'] is None else item['score'] for item in items
    ]
    order = np.argsort(-np.array(scores), kind='stable')
    return [items[i] for i in order]


def _passes(item: Mapping[str, Any], score_thr: float) -> bool:
    return item['score'] is None or item['score'] >= score_thr


def _object_columns(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) and labels (N,)."""
    boxes = [item['box'] for item in graph['objects']]
    labels = [item['label'] for item in graph['objects']]
    return np.reshape(boxes, (-1, 4)), np.array(labels, np.int64)


def _triplet_columns(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of the objects (K, 2) and predicates (K,)."""
    labels = [item['label'] for item in graph['triplets']]
    pairs = np.array(rows_of_pairs(graph), np.int64).reshape(-1, 2)
    return pairs, np.array(labels, np.int64)


def _with_hits(graph: Graph, hits: Iterable[bool]) -> dict[str, Any]:
    triplets = [
        dict(item, hit=bool(hit))
        for item, hit in zip(graph['triplets'], hits, strict=True)
    ]
    return dict(graph, triplets=triplets, compared=True)
