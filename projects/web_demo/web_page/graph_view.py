"""The graph as nodes and edges, drawn by Cytoscape in the browser."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmsgg.visualization.graph_dict import name_of
from mmsgg.visualization.labels import text_size

from .shown_graph import CssColors, Focus, Graph, graph_colors

# Cytoscape reads no style sheet of the page: these do on light and on dark
ACCENT, FAINT, INK, PAPER = '#4c6ef5', '#8793a0', '#1f2933', '#e4e7eb'
FONT_SIZE, NODE_HEIGHT = 14, 32
EDGE_FONT_SIZE = 12
CANVAS = dict(x1=0, y1=0, w=760, h=520)
"""Where the nodes start, as the boxes lie in the image."""

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
    'font-size': EDGE_FONT_SIZE,
    'text-margin-x': 'data(shift_x)',
    'text-margin-y': 'data(shift_y)',
    'text-background-color': PAPER,
    'text-background-opacity': 0.9,
    'text-background-padding': 2,
    'text-background-shape': 'round-rectangle',
}

NODE_LAYOUT = dict(
    name='cola',
    boundingBox=CANVAS,
    unconstrIter=20,
    edgeLength=130,
    nodeSpacing=30,
    handleDisconnected=False,  # unrelated objects stay where their boxes are
    animate=False,
    fit=True,
    padding=24,
)
"""Cola starts where the boxes lie, so that left stays left, then moves related
nodes near one another and all nodes apart."""

MANY_NODES = 40
QUICK_LAYOUT = dict(NODE_LAYOUT, convergenceThreshold=1e9, nodeSpacing=12)
"""Of many nodes, which Cola only moves apart: its steps take time that grows
with the cube of their number."""


def graph_elements(
    graph: Graph,
    names: Mapping[int, str],
    colors: Mapping[int, CssColors] | None = None,
) -> list[dict[str, Any]]:
    """Nodes and edges for ``dash_cytoscape``.

    Args:
        graph: With ``width`` and ``height`` where it has objects.
        names: What the objects are called, by id.
        colors: By class; by default those of this graph.

    Returns:
        One element an object, whose ``number`` is its id, and a triplet,
        whose ``number`` is its position in the list.
    """
    colors = colors or graph_colors(graph)
    return [
        *(
            _node(item, graph, names[item['id']], colors[item['label']])
            for item in graph['objects']
        ),
        *(_edge(item, row) for row, item in enumerate(graph['triplets'])),
    ]


def node_layout(elements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The layout for nodes and edges of :func:`graph_elements`."""
    num_nodes = sum('position' in element for element in elements)
    return QUICK_LAYOUT if num_nodes > MANY_NODES else NODE_LAYOUT


def edge_id(triplet: Mapping[str, Any]) -> str:
    """The name of an edge, which tells where it goes.

    Cytoscape never moves an edge of a known name to other nodes.
    """
    return 't{subject_id}-{object_id}-{label}'.format(**triplet)


def graph_stylesheet(focus: Focus) -> list[dict[str, Any]]:
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


def _node(
    item: Mapping[str, Any], graph: Graph, name: str, colors: CssColors
) -> dict[str, Any]:
    color, text_color = colors
    x1, y1, x2, y2 = item['box']
    return dict(
        data=dict(
            id=f'o{item["id"]}',
            number=item['id'],
            label=name,
            width=text_size(name, FONT_SIZE)[0] + 14,
            color=color,
            text_color=text_color,
        ),
        position=dict(
            x=(x1 + x2) / 2 / graph['width'] * CANVAS['w'],
            y=(y1 + y2) / 2 / graph['height'] * CANVAS['h'],
        ),
    )


def _edge(item: Mapping[str, Any], row: int) -> dict[str, Any]:
    name = name_of(item)
    return dict(
        data=dict(
            id=edge_id(item),
            number=row,
            source=f'o{item["subject_id"]}',
            target=f'o{item["object_id"]}',
            label=name,
            score=item['score'],
            width=text_size(name, EDGE_FONT_SIZE)[0],
            # the page moves labels that would hide one another
            shift_x=0,
            shift_y=0,
        )
    )
