"""Graphs whose names have no control characters, for terminals and XML."""

from collections.abc import Mapping
from typing import Any


def printable_graph(graph: Mapping[str, Any]) -> dict[str, Any]:
    r"""A graph with a space for each character that does not print.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Examples:
        >>> printable_graph(dict(
        ...     file_name='7.jpg', triplets=[],
        ...     objects=[dict(id=0, name='a\x1b[31m\nman')]))['objects']
        [{'id': 0, 'name': 'a [31m man'}]
    """
    return dict(
        graph,
        file_name=_printable(graph.get('file_name')),
        objects=[_named(item) for item in graph['objects']],
        triplets=[_named(item) for item in graph['triplets']],
    )


def _named(item: Mapping[str, Any]) -> dict[str, Any]:
    return dict(item, name=_printable(item.get('name')))


def _printable(text: str | None) -> str | None:
    if text is None:
        return None
    return ''.join(c if c.isprintable() else ' ' for c in text)
