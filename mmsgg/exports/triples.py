"""A scene graph as lines of text."""

from collections.abc import Mapping
from typing import Any


def to_triples(graph: Mapping[str, Any]) -> str:
    """Write the triplets, one a line, in their order.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Returns:
        Subject, predicate, object and score; numbers stand for missing
        names.

    Examples:
        >>> print(to_triples(dict(
        ...     objects=[dict(id=0, label=3, name='man'),
        ...              dict(id=4, label=5, name='horse')],
        ...     triplets=[dict(subject_id=0, object_id=4, label=2,
        ...                    name='riding', score=0.834)])))
        man riding horse 0.83
    """
    names = {item['id']: name_of(item) for item in graph['objects']}
    return '\n'.join(
        f'{names[item["subject_id"]]} {name_of(item)} '
        f'{names[item["object_id"]]} {item["score"]:.2f}'
        for item in graph['triplets']
    )


def name_of(item: Mapping[str, Any]) -> str:
    """The name of an object or a triplet, else its number."""
    return str(item['label'] if item['name'] is None else item['name'])
