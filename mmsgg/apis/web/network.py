"""The graph as an interactive picture, drawn by Cytoscape in the browser."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmsgg.visualization.labels import text_size

from .colors import ACCENT, FAINT, INK, PAPER, css_color, css_text_color
from .node_layout import node_positions
from .shown_graph import Focus, Graph, name_of

FONT_SIZE, NODE_HEIGHT = 14, 32
GAP = np.array([70.0, 50.0])
"""Room between two nodes, for the word on an edge."""

NODE_STYLE = {
    'shape': 'round-rectangle',
    'width': 'data(width)',
    'height': NODE_HEIGHT,
    'background-color': 'data(color)',
    'label': 'data(label)',
    'color': 'data(text_color)',
    'font-size': FONT_SIZE,
    'font-weight': 600,
    'text-valign': 'center',
    'text-halign': 'center',
}
EDGE_STYLE = {
    'curve-style': 'bezier',
    'control-point-step-size': 56,
    'width': 'mapData(score, 0, 1, 1.2, 3.5)',
    'line-color': FAINT,
    'target-arrow-color': FAINT,
    'target-arrow-shape': 'triangle',
    'arrow-scale': 1.2,
    'label': 'data(label)',
    'color': INK,
    'font-size': 12,
    'text-background-color': PAPER,
    'text-background-opacity': 0.9,
    'text-background-padding': 2,
    'text-background-shape': 'round-rectangle',
}


def network_elements(
    graph: Graph, names: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Nodes and edges for ``dash_cytoscape``.

    Nodes lie about as their boxes lie in the image.

    Args:
        graph: With ``width`` and ``height`` where it has objects.
        names: What the objects are called, by id.

    Returns:
        One element an object, whose ``number`` is its id, and a triplet,
        whose ``number`` is its position in the list.
    """
    positions = _positions(graph, names)
    nodes = [
        dict(
            data=dict(
                id=f'o{item["id"]}',
                number=item['id'],
                label=names[item['id']],
                width=_width(names[item['id']]),
                color=css_color(item['label']),
                text_color=css_text_color(item['label']),
            ),
            position=dict(x=x, y=y),
        )
        for item, (x, y) in zip(
            graph['objects'], positions.tolist(), strict=True
        )
    ]
    edges = [
        dict(
            data=dict(
                id=edge_id(item),
                number=number,
                source=f'o{item["subject_id"]}',
                target=f'o{item["object_id"]}',
                label=name_of(item),
                score=item['score'],
            )
        )
        for number, item in enumerate(graph['triplets'])
    ]
    return nodes + edges


def edge_id(triplet: Mapping[str, Any]) -> str:
    """The name of an edge, which tells where it goes.

    Cytoscape never moves an edge of a known name to other nodes.
    """
    return 't{subject_id}-{object_id}-{label}'.format(**triplet)


def network_stylesheet(focus: Focus) -> list[dict[str, Any]]:
    """Styles for ``dash_cytoscape``; what is not in focus fades."""
    rules = [
        dict(selector='node', style=NODE_STYLE),
        dict(selector='edge', style=EDGE_STYLE),
    ]
    if not focus.objects:
        return rules
    chosen = [
        *(f'node[number = {number}]' for number in sorted(focus.objects)),
        *(f'edge[number = {number}]' for number in sorted(focus.triplets)),
    ]
    lines = {'line-color': ACCENT, 'target-arrow-color': ACCENT}
    return [
        *rules,
        dict(selector='*', style={'opacity': 0.2}),
        dict(selector=', '.join(chosen), style={'opacity': 1, **lines}),
    ]


def _width(name: str) -> int:
    """Of a node, pixels."""
    return text_size(name, FONT_SIZE)[0] + 14


def _positions(graph: Graph, names: Mapping[int, str]) -> np.ndarray:
    """Centres of the nodes (N, 2)."""
    objects, size = graph['objects'], (graph['width'], graph['height'])
    rows = {item['id']: row for row, item in enumerate(objects)}
    boxes = np.array([item['box'] for item in objects]).reshape(-1, 2, 2)
    pairs = [
        [rows[item['subject_id']], rows[item['object_id']]]
        for item in graph['triplets']
    ]
    sizes = [(_width(names[number]), NODE_HEIGHT) for number in rows]
    return node_positions(
        boxes.mean(1) / size,
        np.array(pairs, int).reshape(-1, 2),
        np.array(sizes, float).reshape(-1, 2),
        GAP,
    )
