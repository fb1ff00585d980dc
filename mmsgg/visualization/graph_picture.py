"""The picture of a scene graph as nodes and arrows, without the image."""

from collections.abc import Sequence

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .arrows import draw_arrow, route_arrows
from .colors import GREY, color_classes, relation_color
from .fonts import draw_text
from .graph_dict import (
    Graph,
    count_text,
    counted,
    name_of,
    related_ids,
    rows_of_pairs,
    title_of,
)
from .labels import (
    LABEL_SIZE,
    Label,
    LabelPlacer,
    arrow_ends,
    draw_label,
    label_arrow,
    other_curves,
    text_size,
)

_NODE_SIZE = 15  # pixels, of the text in a node
_PADDING = np.array([14.0, 12.0])  # pixels around the text in a node
_GAP = np.array([80.0, 50.0])  # pixels between nodes, for arrows and labels
_MARGIN = 16.0  # pixels around all nodes
_FOOT = 30  # pixels, for the last line
_AREA_A_NODE, _AREA_A_TRIPLET = 45_000, 12_000  # square pixels
_UNRELATED = 4  # arrows between nodes that no path connects
_LEAST_EXTENT = 0.4  # of the shorter side of a graph, of the longer one


def draw_graph(
    graph: Graph, topk: int = 20, size: tuple[int, int] = (900, 640)
) -> np.ndarray:
    """Draw the objects of a scene graph as nodes, its triplets as arrows.

    Related nodes stand near each other, and none hides another; the layout
    starts from where the boxes are in the image. Colours and numbers are
    those of :class:`~mmsgg.visualization.SGLocalVisualizer`. Several
    predicates of a pair stand on one arrow, there and back are two arrows.
    The same graph gives the same picture.

    Args:
        graph: Of :func:`mmsgg.evaluation.graph_to_dict`, see
            ``docs/result_file.md``: ``objects`` {id, label, name, box},
            ``triplets`` {subject_id, object_id, label, name, score}, best
            first. A triplet may say ``hit``: true draws it green, false red.
            Where ``name`` is None, ``label`` is shown; ``score`` may lack.
        topk: How many triplets to draw. Objects in none of them are left
            out, which the last line of the picture says.
        size: The least width and height in pixels; many nodes take more.

    Returns:
        (H, W, 3) RGB uint8.

    Examples:
        >>> graph = dict(
        ...     objects=[
        ...         dict(id=0, label=1, name='man', box=[0, 0, 40, 90]),
        ...         dict(id=1, label=0, name='hat', box=[9, 0, 30, 12])],
        ...     triplets=[dict(subject_id=0, object_id=1, label=1,
        ...                    name='wears', score=0.3)])
        >>> draw_graph(graph).shape
        (640, 900, 3)
    """
    drawn = dict(graph, triplets=list(graph['triplets'])[:topk])
    related = related_ids(drawn)
    drawn['objects'] = [o for o in graph['objects'] if o['id'] in related]
    counts = len(drawn['objects']), len(drawn['triplets'])
    needed = np.dot(counts, (_AREA_A_NODE, _AREA_A_TRIPLET))
    growth = max(1.0, np.sqrt(needed / np.prod(size)))
    least = np.array(size) * growth - (0, _FOOT)
    nodes, (width, height) = _place_nodes(drawn, least)
    canvas, axes = _blank_canvas(width, height + _FOOT)
    for label in _draw_arrows(axes, nodes, drawn, (width, height)) + nodes:
        draw_label(axes, label)
    summary = count_text(drawn)
    if loose := len(graph['objects']) - len(related):
        summary += f'; {counted(loose, "object")} without relation'
    draw_text(axes, (12, height + _FOOT / 2), summary, GREY, LABEL_SIZE)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def node_positions(
    centres: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    sizes: np.ndarray,
    canvas: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out nodes so that related ones are near and none hides another.

    Kamada and Kawai's layout, in which the distance of two nodes grows with
    the shortest path between them, starts where the objects are in the image.
    The canvas grows until all nodes have room.

    Args:
        centres: (N, 2) where the objects are, in any unit.
        pairs: Rows of related nodes.
        sizes: (N, 2) width and height of the nodes in pixels.
        canvas: (2,) the least width and height in pixels.

    Returns:
        (N, 2) centres of the nodes in pixels and (2,) the canvas that they
        lie in.

    Examples:
        >>> import numpy as np
        >>> positions, _ = node_positions(
        ...     np.array([[5, 5], [9, 5]]), [(1, 0)], np.full((2, 2), 20),
        ...     np.array([200, 100]))
        >>> positions.round()
        array([[ 26.,  50.],
               [174.,  50.]])
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(len(centres)))
    graph.add_edges_from(pairs)
    circle = nx.circular_layout(graph)  # no two nodes at one place
    start = 3 * _unit_square(np.asarray(centres, np.float64))
    # the root leaves more of the canvas to each arrow of a long path
    distances = {
        node: {other: paths.get(other, _UNRELATED) ** 0.5 for other in graph}
        for node, paths in nx.all_pairs_shortest_path_length(graph)
    }
    layout = nx.kamada_kawai_layout(
        graph,
        dist=distances,
        pos={node: start[node] + 0.01 * circle[node] for node in graph},
    )
    places = _unit_square(np.array([layout[node] for node in graph]))
    low = sizes / 2 + _MARGIN
    needed = (sizes[:, None] + sizes) / 2 + _GAP  # (N, N, 2)
    for growth in 1.1 ** np.arange(20):
        grown = np.round(canvas * growth).astype(int)
        high = np.maximum(grown - low, low)
        positions = low + places * (high - low)
        near = (abs(positions[:, None] - positions) < needed).all(-1)
        if near.sum() <= len(near):  # each to itself alone
            break
    return positions, grown


def _unit_square(points: np.ndarray) -> np.ndarray:
    """Points (N, 2) moved and stretched into 0 to 1, about filling it."""
    points = points.reshape(-1, 2)
    if len(points) == 0:
        return points
    low, high = points.min(0), points.max(0)
    extent = np.maximum(high - low, _LEAST_EXTENT * (high - low).max())
    return 0.5 + (points - (low + high) / 2) / np.maximum(extent, 1e-9)


def _place_nodes(
    graph: Graph, canvas: np.ndarray
) -> tuple[list[Label], tuple[int, int]]:
    """A node for each object, and width and height of their canvas."""
    objects = graph['objects']
    sizes = [text_size(title_of(item), _NODE_SIZE) for item in objects]
    sizes = np.reshape(sizes, (-1, 2)) + _PADDING
    boxes = np.reshape([item['box'] for item in objects], (-1, 2, 2))
    centres, canvas = node_positions(
        boxes.mean(1), rows_of_pairs(graph), sizes, canvas
    )
    places = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    classes = color_classes(item['label'] for item in objects)
    colors = [item.get('color') or classes[item['label']] for item in objects]
    nodes = [
        Label(tuple(place), title_of(item), color, color, size=_NODE_SIZE)
        for place, item, color in zip(
            places.tolist(), objects, colors, strict=True
        )
    ]
    return nodes, tuple(canvas.tolist())


def _draw_arrows(
    axes: Axes,
    nodes: Sequence[Label],
    graph: Graph,
    canvas: tuple[int, int],
) -> list[Label]:
    """Draw the arrows between nodes and find places for their labels."""
    boxes = [np.array(node.box) for node in nodes]
    pairs = rows_of_pairs(graph)
    curves = route_arrows(boxes, pairs, canvas, around=True)
    placer = LabelPlacer((0, 0, *canvas), arrow_ends(curves))
    placer.taken.extend(node.box for node in nodes)
    labels = []
    for points, others, triplet in zip(
        curves, other_curves(curves), graph['triplets'], strict=True
    ):
        color = relation_color(triplet.get('hit'))
        draw_arrow(axes, points, color)
        text = name_of(triplet)
        if triplet.get('score') is not None:
            text += f' {triplet["score"]:.2f}'
        labels.append(label_arrow(placer, [text], points, color, others))
    return [label for label in labels if label is not None]


def _blank_canvas(width: int, height: int) -> tuple[FigureCanvasAgg, Axes]:
    """A canvas and its axes, in pixels, y downwards; a point is a pixel."""
    # 72 points an inch; the rest is for inches that are cut to pixels
    inches = (width + 0.01) / 72, (height + 0.01) / 72
    figure = Figure(figsize=inches, dpi=72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return FigureCanvasAgg(figure), axes
