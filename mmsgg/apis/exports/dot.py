"""A scene graph as a picture by Graphviz."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsgg.visualization.colors import color_classes, hex_color, text_color
from mmsgg.visualization.graph_dict import name_of, title_of

from .printable import printable_graph

if TYPE_CHECKING:
    import graphviz

_NODE = dict(
    shape='box', style='rounded,filled', penwidth='0', fontname='Helvetica'
)
_EDGE = dict(color='#888888', fontname='Helvetica', fontsize='11')


def to_dot(graph: Mapping[str, Any]) -> str:
    """Write a graph in the DOT language.

    Objects have the colours of their classes, those of
    :class:`mmsgg.visualization.SGLocalVisualizer`.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Raises:
        ImportError: Where the package graphviz is missing.
    """
    return _digraph(graph).source


def write_svg(path: str | Path, graph: Mapping[str, Any]) -> None:
    """Draw a graph as SVG.

    Args:
        path: The file to write.
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.

    Raises:
        ImportError: Where the package graphviz is missing.
        FileNotFoundError: Where its program ``dot`` is missing.
    """
    check_svg()
    Path(path).write_bytes(_digraph(graph).pipe(format='svg'))


def check_dot() -> None:
    """Raise the ImportError of :func:`to_dot`, where it would."""
    try:
        import graphviz  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'DOT and SVG need the package graphviz: pip install mmsgg[demo]'
        ) from error


def check_svg() -> None:
    """Raise the errors of :func:`write_svg`, where it would."""
    check_dot()
    if shutil.which('dot') is None:
        raise FileNotFoundError(
            "SVG is drawn by Graphviz's program 'dot', which is not on the "
            'PATH: install it (Debian, Ubuntu: apt install graphviz), or '
            'take DOT'
        )


def _digraph(graph: Mapping[str, Any]) -> graphviz.Digraph:
    """Build the drawing."""
    check_dot()
    import graphviz

    graph = printable_graph(graph)
    title = {}
    if graph.get('file_name') is not None:
        title = dict(label=graphviz.escape(graph['file_name']))
    drawn = graphviz.Digraph(
        graph_attr=dict(rankdir='LR', fontname='Helvetica', **title),
        node_attr=_NODE,
        edge_attr=_EDGE,
    )
    colors = color_classes(item['label'] for item in graph['objects'])
    for item in graph['objects']:
        color = colors[item['label']]
        drawn.node(
            str(item['id']),
            graphviz.escape(title_of(item)),
            fillcolor=hex_color(color),
            fontcolor=hex_color(text_color(color)),
        )
    for item in graph['triplets']:
        drawn.edge(
            str(item['subject_id']),
            str(item['object_id']),
            graphviz.escape(f'{name_of(item)} {item["score"]:.2f}'),
        )
    return drawn
