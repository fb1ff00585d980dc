"""A scene graph as nodes and arrows, without the image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from .arrow_routes import route_arrows
from .drawing import Color, class_color, tag_size, text_color
from .node_layout import spread_nodes
from .scene import SceneRelation, counted
from .tag_layout import TAG_SIZE, Tag, TagRoom, arrow_tag

_DPI = 100
_NAME_SIZE = 15  # pixels, of the text in a node
_PADDING = np.array([14.0, 12.0])  # pixels around the name in a node
_AREA_A_NODE, _AREA_A_TRIPLET = 45_000, 12_000  # square pixels
_FOOT = 30  # pixels, for the last line
_GREY = (110, 110, 110)


def draw_graph(
    graph: Mapping[str, Any],
    topk: int = 20,
    size: tuple[int, int] = (900, 640),
) -> np.ndarray:
    """Draw the objects of a scene graph as nodes, its triplets as arrows.

    Nodes stand about where the boxes are in the image, moved apart until
    none hides another; their colours and numbers are those of
    :class:`~mmsgg.visualization.SGLocalVisualizer`. Several predicates of a
    pair stand on one arrow, there and back are two arrows. The same graph
    gives the same picture.

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
    triplets = list(graph['triplets'])[:topk]
    ends = {t[key] for t in triplets for key in ('subject_id', 'object_id')}
    shown = [item for item in graph['objects'] if item['id'] in ends]
    needed = len(shown) * _AREA_A_NODE + len(triplets) * _AREA_A_TRIPLET
    growth = max(1.0, np.sqrt(needed / np.prod(size)))
    width, height = np.round(np.array(size) * growth).astype(int).tolist()
    axes = _axes(width, height)
    nodes = _place_nodes(shown, (width, height - _FOOT))
    row = {item['id']: i for i, item in enumerate(shown)}
    relations = [_relation(triplet, row) for triplet in triplets]
    for tag in _draw_arrows(axes, nodes, relations, (width, height - _FOOT)):
        _draw_tag(axes, tag, TAG_SIZE)
    for node in nodes:
        _draw_tag(axes, node, _NAME_SIZE)
    text = _summary(len(nodes), len(graph['objects']), len(triplets))
    corner = 12, height - _FOOT / 2
    _write(axes, corner, text, _GREY, TAG_SIZE, ha='left')
    canvas = axes.figure.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _place_nodes(
    items: Sequence[Mapping[str, Any]], canvas: tuple[int, int]
) -> list[Tag]:
    """A node for each object, about where its box is."""
    names = [f'{_name(item)}-{item["id"]}' for item in items]
    sizes = [tag_size(name, _NAME_SIZE) + _PADDING for name in names]
    boxes = np.array([item['box'] for item in items]).reshape(-1, 2, 2)
    sizes = np.array(sizes).reshape(-1, 2)
    centres = spread_nodes(boxes.mean(1), sizes, canvas)
    places = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    colors = [class_color(item['label']) for item in items]
    return [
        Tag(tuple(place), name, color, color)
        for place, name, color in zip(
            places.tolist(), names, colors, strict=True
        )
    ]


def _relation(
    triplet: Mapping[str, Any], row: Mapping[int, int]
) -> SceneRelation:
    return SceneRelation(
        subject=row[triplet['subject_id']],
        object=row[triplet['object_id']],
        predicate=_name(triplet),
        score=triplet.get('score'),
        hit=triplet.get('hit'),
    )


def _name(item: Mapping[str, Any]) -> str:
    name = item.get('name')
    return str(item['label']) if name is None else name


def _summary(num_nodes: int, num_objects: int, num_triplets: int) -> str:
    nodes = counted(num_nodes, 'object')
    text = f'{nodes}, {counted(num_triplets, "relation")}'
    loose = counted(num_objects - num_nodes, 'object')
    if num_objects > num_nodes:
        text += f'; {loose} without relation'
    return text


def _axes(width: int, height: int) -> Any:
    """Axes in which a unit is a pixel and y points down."""
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _draw_arrows(
    axes: Any,
    nodes: Sequence[Tag],
    relations: Sequence[SceneRelation],
    canvas: tuple[int, int],
) -> list[Tag]:
    """Draw the arrows and find places for their labels."""
    boxes = [np.array(node.place) for node in nodes]
    pairs = [(item.subject, item.object) for item in relations]
    curves = route_arrows(boxes, pairs, canvas)
    heads = [(*(points[-1] - 9), *(points[-1] + 9)) for points in curves]
    room = TagRoom((0, 0, *canvas), heads)
    room.taken.extend(node.place for node in nodes)
    tags = []
    for points, relation in zip(curves, relations, strict=True):
        arrow = FancyArrowPatch(
            path=Path(points),
            arrowstyle='-|>',
            mutation_scale=15,
            linewidth=1.6,
            color=_rgb(relation.color),
            zorder=1,
        )
        axes.add_patch(arrow)
        text = relation.predicate
        if relation.score is not None:
            text += f' {relation.score:.2f}'
        tags.append(arrow_tag(room, [text], points, relation.color))
    return [tag for tag in tags if tag is not None]


def _draw_tag(axes: Any, tag: Tag, size: int) -> None:
    """Draw a word on a filled rectangle, and its line."""
    x1, y1, x2, y2 = tag.place
    patch = FancyBboxPatch(
        (x1 + 1, y1 + 1),
        x2 - x1 - 2,
        y2 - y1 - 2,
        boxstyle='round,pad=0,rounding_size=5',
        facecolor=_rgb(tag.fill),
        edgecolor=_rgb(tag.outline),
        zorder=2,
    )
    axes.add_patch(patch)
    if tag.line is not None:
        axes.plot(*np.transpose(tag.line), color=_rgb(tag.outline), lw=1)
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    weight = 'bold' if tag.bold else 'normal'
    _write(axes, middle, tag.text, text_color(tag.fill), size, weight=weight)


def _write(
    axes: Any,
    point: tuple[float, float],
    text: str,
    color: Color,
    size: int,
    ha: str = 'center',
    weight: str = 'normal',
) -> None:
    axes.text(
        *point,
        text,
        color=_rgb(color),
        fontsize=size * 72 / _DPI,
        family='DejaVu Sans',
        weight=weight,
        ha=ha,
        va='center',
        parse_math=False,
        zorder=3,
    )


def _rgb(color: Color) -> tuple[float, ...]:
    return tuple(value / 255 for value in color)
