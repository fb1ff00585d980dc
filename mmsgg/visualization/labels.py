"""Labels of objects and arrows: their place, so that none hides another."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from .colors import (
    WHITE,
    Color,
    color_of,
    hex_color,
    relation_color,
    text_color,
)
from .fonts import draw_text, fit_text
from .graph_dict import Graph, name_of, related_ids, title_of

Box = tuple[float, float, float, float]

LABEL_SIZE = 13  # pixels
_GRID = 6  # pixels between the places that are tried last
_BESIDE = 4.0  # pixels between a curve and a label beside it
_MOST_HIDDEN = 0.6  # part of a curve that a label may hide
_TOUCH = 8.0  # pixels: a label so close needs no line to what it names


class Label(NamedTuple):
    """A text on a coloured ground and, where it stands apart, a line."""

    box: Box
    text: str
    fill: Color
    edge: Color
    bold: bool = False
    size: int = LABEL_SIZE
    line: tuple[np.ndarray, np.ndarray] | None = None  # from, to: (2,) each


class LabelPlacer:
    """Finds places for labels, each of which is free after the others.

    Args:
        bounds: The box that no label leaves.
        avoided: Boxes that a label covers only where it must.
    """

    def __init__(self, bounds: Box, avoided: Sequence[Box] = ()) -> None:
        self.bounds = bounds
        self.avoided = np.asarray(avoided, np.float64).reshape(-1, 4)
        self.taken: list[Box] = []

    def place(
        self,
        size: tuple[float, float],
        corners: Iterable[tuple[float, float]],
        avoided: ArrayLike = (),
    ) -> Box | None:
        """Take the best of some places that hides no other label.

        Args:
            size: Width and height of the label.
            corners: Where its top left may be, the best first; they are
                moved into the bounds.
            avoided: More boxes that it covers only where it must.

        Returns:
            The place; None where all are taken or the bounds are too small.

        Examples:
            >>> placer = LabelPlacer((0, 0, 100, 100))
            >>> placer.place((30, 10), [(5, 5), (50, 50)])
            (5.0, 5.0, 35.0, 15.0)
            >>> placer.place((30, 10), [(5, 5), (50, 50)])
            (50.0, 50.0, 80.0, 60.0)
            >>> placer.place((30, 10), [(5, 5), (50, 50)]) is None
            True
        """
        x1, y1, x2, y2 = self.bounds
        last = np.array([x2, y2]) - size
        if (last < (x1, y1)).any():
            return None
        low = np.asarray(list(corners), np.float64).clip((x1, y1), last)
        places = np.concatenate([low, low + size], axis=1)  # (C, 4)
        free = _overlap(places, np.reshape(self.taken, (-1, 4))) == 0
        if not free.any():
            return None
        hidden = _overlap(places[free], self.avoided)
        hidden += _overlap(places[free], np.reshape(avoided, (-1, 4)))
        x1, y1, x2, y2 = places[free][hidden.argmin()].tolist()
        self.taken.append((x1, y1, x2, y2))
        return x1, y1, x2, y2

    def place_near(
        self, size: tuple[float, float], point: np.ndarray
    ) -> Box | None:
        """Take the place nearest to a point (2,) that hides no other label."""
        x1, y1, x2, y2 = self.bounds
        grid = np.meshgrid(np.arange(x1, x2, _GRID), np.arange(y1, y2, _GRID))
        corners = np.stack(grid, axis=-1).reshape(-1, 2)
        distance = np.linalg.norm(corners + np.divide(size, 2) - point, axis=1)
        return self.place(size, corners[distance.argsort(kind='stable')])


def label_graph(
    graph: Graph,
    boxes: Sequence[np.ndarray],
    curves: Sequence[np.ndarray],
    bounds: Box,
    tags: Mapping[int, Label],
    max_named_arrows: int = 10,
    size: int = LABEL_SIZE,
) -> list[Label]:
    """Find places for the labels of a graph on its image.

    No label overlaps another or leaves the bounds. One that finds no room at
    what it names moves away and gets a line to it; where the full text fits
    nowhere, its number is tried, and where there is no room for that either
    the label is left out. Objects with relations come first, then arrows,
    then the other objects. Ends of arrows, and other arrows than its own, are
    kept free where possible.

    Args:
        graph: What is drawn.
        boxes: (4,) of each object, in pixels of the picture.
        curves: (P, 2) of each triplet.
        bounds: The box that no label leaves.
        tags: Labels of :func:`tag_related`.
        max_named_arrows: Up to so many triplets the arrows carry predicates,
            above it numbers only.
        size: Of the font, pixels.

    Returns:
        The labels, none for what found no room.
    """
    placer = LabelPlacer(bounds, arrow_ends(curves))
    placer.taken.extend(tag.box for tag in tags.values())
    labels: list[Label | None] = [*tags.values()]
    for i, (triplet, points, others) in enumerate(
        zip(graph['triplets'], curves, other_curves(curves), strict=True), 1
    ):
        texts = [f'{i}']
        if len(curves) <= max_named_arrows:
            texts = [f'{i} {name_of(triplet)}', *texts]
        color = relation_color(triplet.get('hit'))
        labels.append(label_arrow(placer, texts, points, color, others, size))
    related = related_ids(graph)
    labels += [
        _label_object(placer, item, box, size)
        for item, box in zip(graph['objects'], boxes, strict=True)
        if item['id'] not in related
    ]
    return [label for label in labels if label is not None]


def tag_related(
    graph: Graph,
    boxes: Sequence[np.ndarray],
    placer: LabelPlacer,
    size: int = LABEL_SIZE,
) -> dict[int, Label]:
    """Labels of the objects with relations, by their positions.

    Args:
        graph: What is drawn.
        boxes: (4,) of each object, in pixels of the picture.
        placer: It knows the room that is left.
        size: Of the font, pixels.
    """
    related = related_ids(graph)
    tags = {
        row: _label_object(placer, item, box, size)
        for row, (item, box) in enumerate(
            zip(graph['objects'], boxes, strict=True)
        )
        if item['id'] in related
    }
    return {row: tag for row, tag in tags.items() if tag is not None}


def label_arrow(
    placer: LabelPlacer,
    texts: Sequence[str],
    points: np.ndarray,
    color: Color,
    others: ArrayLike = (),
    font_size: int = LABEL_SIZE,
) -> Label | None:
    """Put a text on an arrow, or near it with a line to it.

    Args:
        placer: It knows the room that is left.
        texts: The longest first; all but the last one only where they have
            room on the arrow or beside it.
        points: (P, 2) of the arrow.
        color: Of the arrow.
        others: Boxes along other arrows.
        font_size: Pixels.

    Returns:
        The label; None where there is no room for any text.
    """
    for text in texts:
        size = text_size(text, font_size, bold=True)
        place = placer.place(size, _along(points, size), others)
        if place is None and text == texts[-1]:
            place = placer.place_near(size, points[len(points) // 2])
        if place is not None:
            inside = points.clip(place[:2], place[2:])
            nearest = np.linalg.norm(points - inside, axis=1).argmin()
            line = _line(place, points[nearest])
            return Label(place, text, WHITE, color, True, font_size, line)
    return None


def arrow_ends(curves: Sequence[np.ndarray]) -> list[Box]:
    """Boxes around heads and starts of arrows (P, 2)."""
    ends = [(points[-1], 9) for points in curves]
    ends += [(points[0], 5) for points in curves]
    return [(*(point - radius), *(point + radius)) for point, radius in ends]


def other_curves(curves: Sequence[np.ndarray]) -> list[np.ndarray]:
    """For each curve (P, 2), small boxes (B, 4) along all different ones."""
    boxes = [np.hstack([points - 3, points + 3]) for points in curves]
    return [
        np.reshape(
            [
                other
                for other, curve in zip(boxes, curves, strict=True)
                if curve is not points  # those of one pair share theirs
            ],
            (-1, 4),
        )
        for points in curves
    ]


@lru_cache(maxsize=4096)
def text_size(
    text: str, size: int = LABEL_SIZE, bold: bool = False
) -> tuple[int, int]:
    """Width and height in pixels of a label.

    Args:
        text: What it says.
        size: Of the font, pixels.
        bold: Whether it is.
    """
    fitted = fit_text(text)
    font = FontProperties(
        family=list(fitted.families),
        weight='bold' if bold else 'normal',
        size=size,
    )
    renderer = RendererAgg(1, 1, dpi=72)
    width, *_ = renderer.get_text_width_height_descent(
        fitted.text, font, False
    )
    return round(width) + 8, size + 6


def draw_label(axes: Axes, label: Label) -> None:
    """Draw a label and its line.

    Args:
        axes: Their unit is a pixel, as is the point of their figure.
        label: What and where.
    """
    edge = hex_color(label.edge)
    if label.line is not None:
        line = Line2D(*np.transpose(label.line), color=edge, linewidth=2)
        line.set_path_effects([withStroke(linewidth=4, foreground='white')])
        axes.add_line(line)
    x1, y1, x2, y2 = label.box
    ground = FancyBboxPatch(
        (x1 + 1, y1 + 1),  # its edge is 2 pixels wide
        x2 - x1 - 2,
        y2 - y1 - 2,
        boxstyle='round,pad=0,rounding_size=4',
        facecolor=hex_color(label.fill),
        edgecolor=edge,
        linewidth=2,
        zorder=3,
    )
    axes.add_artist(ground)  # add_patch also looks for limits of the axes
    draw_text(
        axes,
        ((x1 + x2) / 2, (y1 + y2) / 2),
        label.text,
        text_color(label.fill),
        label.size,
        label.bold,
        ha='center',
        zorder=3,
    )


def _label_object(
    placer: LabelPlacer, item: Mapping[str, Any], box: np.ndarray, font: int
) -> Label | None:
    """Name an object, and its score where it has one, at its box (4,)."""
    color = color_of(item)
    texts = [title_of(item), str(item['id'])]
    score = item.get('score')
    if score is not None:
        texts.insert(0, f'{texts[0]} {score:.2f}')
    for text in texts:
        width, height = size = text_size(text, font)
        x1, y1, x2, y2 = box
        corners = [
            (x, y)
            for y in (y1 - height, y1 + 2, y2 - height - 1, y2 + 1)
            for x in (x1, x2 - width, (x1 + x2 - width) / 2)
        ]
        corners += [
            (x, y)
            for y in np.arange(y1, y2 - height, height)
            for x in (x1 - width, x1, x2 - width, x2)
        ]
        place = placer.place(size, corners)
        if place is None and (score is None or text != texts[0]):
            place = placer.place_near(size, (box[:2] + box[2:]) / 2)
        if place is not None:
            middle = (np.array(place[:2]) + place[2:]) / 2
            line = _line(place, middle.clip(box[:2], box[2:]))
            return Label(place, text, color, color, size=font, line=line)
    return None


def _along(points: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Corners (L, 2) for a label on a curve or beside it, the best first.

    On it from its middle on; beside it on the outer side, then the inner.
    A curve of which the label would hide most has it beside.
    """
    order = np.argsort(abs(np.linspace(-1, 1, len(points))), kind='stable')
    on_curve = points[order[: int(0.8 * len(points))]]
    way = points[-1] - points[0]
    length = np.linalg.norm(way)
    way = way / max(length, 1e-6)
    outward = np.array([way[1], -way[0]])  # curves bend to their left
    shift = (abs(outward) @ np.divide(size, 2) + _BESIDE) * outward
    places = [on_curve, on_curve + shift, on_curve - shift]
    if abs(way) @ np.asarray(size) > _MOST_HIDDEN * length:
        places = [*places[1:], places[0]]
    return np.concatenate(places) - np.divide(size, 2)


def _line(
    place: Box, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """A line from a label to what it names, unless they touch."""
    start = target.clip(place[:2], place[2:])
    apart = np.linalg.norm(target - start) > _TOUCH
    return (start, target) if apart else None


def _overlap(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(C,) area that each place (C, 4) shares with others (T, 4)."""
    low = np.maximum(places[:, None, :2], others[:, :2])
    high = np.minimum(places[:, None, 2:], others[:, 2:])
    return (high - low).clip(0).prod(-1).sum(1)
