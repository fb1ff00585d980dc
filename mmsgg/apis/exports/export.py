"""Writing a graph to a file, in the format that its ending says."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mmsgg.evaluation import write_scene_graphs
from mmsgg.visualization.graph_dict import name_of, object_names

from .cypher import to_cypher
from .dot import check_dot, check_svg, to_dot, write_svg
from .networkx_graph import write_graphml
from .printable import printable_graph
from .turtle import to_turtle


def export_graph(path: str | Path, graph: Mapping[str, Any]) -> None:
    """Write a graph in the format that the file's ending says.

    Control characters in names stay in JSON, Turtle and Cypher, which escape
    them, and become spaces elsewhere.

    Args:
        path: A file whose ending is one of :data:`FORMATS`.
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Raises:
        ValueError, ImportError, FileNotFoundError: See :func:`check_export`.
    """
    check_export(path)
    FORMATS[_ending(path)](path, graph)


def check_export(path: str | Path) -> None:
    """Raise what :func:`export_graph` would, before there is a graph.

    Args:
        path: The file to be written.

    Raises:
        ValueError: On an ending that is no format.
        ImportError: For .dot and .svg, where the package graphviz is missing.
        FileNotFoundError: For .svg, where the program ``dot`` is missing.
    """
    ending = _ending(path)
    if ending not in FORMATS:
        raise ValueError(
            f"'{path}' ends in none of .{', .'.join(FORMATS)}, the formats "
            'of a graph'
        )
    if ending in _CHECKS:
        _CHECKS[ending]()


def to_triples(graph: Mapping[str, Any]) -> str:
    """Write the triplets, one a line, in their order.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Returns:
        Subject, predicate, object and score. Numbers stand for missing
        names, and tell objects of one name apart, as in kite-2.

    Examples:
        >>> print(to_triples(dict(
        ...     objects=[dict(id=0, label=3, name='man'),
        ...              dict(id=4, label=5, name='horse')],
        ...     triplets=[dict(subject_id=0, object_id=4, label=2,
        ...                    name='riding', score=0.834)])))
        man riding horse 0.8340
    """
    graph = printable_graph(graph)
    names = object_names(graph)
    return '\n'.join(
        f'{names[item["subject_id"]]} {name_of(item)} '
        f'{names[item["object_id"]]} {item["score"]:.4f}'
        for item in graph['triplets']
    )


def _ending(path: str | Path) -> str:
    return Path(path).suffix.lower().removeprefix('.')


def _write_json(path: str | Path, graph: Mapping[str, Any]) -> None:
    write_scene_graphs(path, [graph])


def _write_graphml(path: str | Path, graph: Mapping[str, Any]) -> None:
    write_graphml(path, printable_graph(graph))


def _to_lines(graph: Mapping[str, Any]) -> str:
    lines = to_triples(graph)
    return lines + '\n' if lines else ''


def _write_text(
    to_text: Callable[[Mapping[str, Any]], str],
    path: str | Path,
    graph: Mapping[str, Any],
) -> None:
    # a half of a surrogate pair is no character
    text = to_text(graph)
    Path(path).write_text(text, encoding='utf-8', errors='replace')


FORMATS: dict[str, Callable[[str | Path, Mapping[str, Any]], None]] = dict(
    json=_write_json,
    graphml=_write_graphml,
    ttl=partial(_write_text, to_turtle),
    cypher=partial(_write_text, to_cypher),
    dot=partial(_write_text, to_dot),
    svg=write_svg,
    txt=partial(_write_text, _to_lines),
)
_CHECKS = dict(dot=check_dot, svg=check_svg)
