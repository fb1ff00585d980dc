"""The image with boxes, as a plotly figure whose axes are image pixels."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from mmsgg.visualization.labels import LabelPlacer, text_size

from .graph_view import ACCENT
from .images import data_url
from .shown_graph import CssColors, Focus, Graph, css_colors, graph_colors
from .user_boxes import Corners, UserBox

SOFT = '#748291'  # to be read on a light and on a dark page

SHOWN_SIDE = 1200
"""Longer side, in pixels, of the image that is sent to the browser."""

VIEW = (630, 470)
"""About how large the page shows it, in pixels; names are placed for that."""

TAG_SIZE = 12


class BoxMark(NamedTuple):
    """A box as it is drawn."""

    corners: Corners
    text: str
    color: str
    """``#rrggbb``, as :func:`~.shown_graph.css_colors` gives it."""
    text_color: str
    state: str = 'plain'
    """``plain``, ``focus`` or ``dim``."""


def image_figure(image: np.ndarray | None = None) -> go.Figure:
    """An image without boxes.

    Args:
        image: (H, W, 3) RGB uint8; None gives an empty figure.

    Returns:
        A figure; :func:`marks_layout` fits its layout.
    """
    figure = go.Figure()
    height, width = (3, 4) if image is None else image.shape[:2]
    axis = dict(visible=False, fixedrange=True, constrain='domain')
    figure.update_layout(
        margin=dict(l=0, r=0, t=0, b=0),
        paper_bgcolor='rgba(0, 0, 0, 0)',
        plot_bgcolor='rgba(0, 0, 0, 0)',
        dragmode=False,
        xaxis=dict(axis, range=[0, width]),
        yaxis=dict(axis, range=[height, 0], scaleanchor='x'),
        newshape=dict(line=dict(color=ACCENT, width=2)),
    )
    if image is None:
        figure.add_annotation(
            text='Open an image, or choose an example.',
            showarrow=False,
            xref='paper',
            yref='paper',
            x=0.5,
            y=0.5,
            font=dict(color=SOFT, size=14),
        )
    else:
        figure.add_layout_image(
            source=data_url(image, SHOWN_SIDE),
            xref='x',
            yref='y',
            x=0,
            y=0,
            sizex=width,
            sizey=height,
            sizing='stretch',
            layer='below',
        )
    return figure


def marks_of_graph(
    graph: Graph,
    names: Mapping[int, str],
    focus: Focus,
    colors: Mapping[int, CssColors] | None = None,
) -> list[BoxMark]:
    """Boxes of the objects of a graph, by default in its own colours."""
    colors = colors or graph_colors(graph)
    marks = []
    for item in graph['objects']:
        state = 'plain'
        if focus.objects:
            state = 'focus' if item['id'] in focus.objects else 'dim'
        marks.append(
            BoxMark(
                tuple(item['box']),
                names[item['id']],
                *colors[item['label']],
                state,
            )
        )
    return marks


def marks_of_boxes(
    boxes: Sequence[UserBox], classes: Sequence[str]
) -> list[BoxMark]:
    """Boxes of the user, numbered where they have no class."""
    colors = css_colors(box.label for box in boxes if box.label is not None)
    return [
        BoxMark(box.corners, str(number), ACCENT, 'white')
        if box.label is None
        else BoxMark(
            box.corners,
            classes[box.label],
            *colors[box.label],
        )
        for number, box in enumerate(boxes, 1)
    ]


def marks_layout(
    marks: Sequence[BoxMark], size: Sequence[int]
) -> dict[str, list[dict[str, Any]]]:
    """Draw boxes.

    Args:
        marks: The boxes.
        size: Width and height of the image.

    Returns:
        ``shapes`` and ``annotations`` of a plotly layout.
    """
    corners = _tag_corners(marks, size)
    on_top = sorted(marks, key=lambda mark: mark.state == 'focus')
    return dict(
        shapes=[_shape(mark) for mark in on_top],
        annotations=[
            _tag(mark, corner)
            for mark, corner in zip(marks, corners, strict=True)
            if mark.state != 'dim'
        ],
    )


def _shape(mark: BoxMark) -> dict[str, Any]:
    x1, y1, x2, y2 = mark.corners
    focus = mark.state == 'focus'
    return dict(
        type='rect',
        editable=False,
        x0=x1,
        y0=y1,
        x1=x2,
        y1=y2,
        opacity=0.35 if mark.state == 'dim' else 1,
        line=dict(color=mark.color, width=4 if focus else 2),
        fillcolor=f'{mark.color}{"38" if focus else "00"}',
    )


def _tag_corners(
    marks: Sequence[BoxMark], size: Sequence[int]
) -> list[tuple[float, float]]:
    """Upper left corners of the names, which hide one another only at need."""
    scale = min(view / side for view, side in zip(VIEW, size, strict=True))
    placer, corners = LabelPlacer((0, 0, *size)), []
    for mark in marks:
        width, height = (
            side / scale for side in text_size(mark.text, TAG_SIZE)
        )
        x1, y1, x2, y2 = mark.corners
        places = [
            (x1, y1),
            (x2 - width, y1),
            (x1, y2 - height),
            (x2 - width, y2 - height),
            (x1, y1 - height),
            (x1, y2),
        ]
        place = placer.place((width, height), places)
        corners.append(places[0] if place is None else place[:2])
    return corners


def _tag(mark: BoxMark, corner: tuple[float, float]) -> dict[str, Any]:
    """The name of a box."""
    return dict(
        x=corner[0],
        y=corner[1],
        text=mark.text,
        xanchor='left',
        yanchor='top',
        showarrow=False,
        bgcolor=mark.color,
        borderpad=2,
        font=dict(color=mark.text_color, size=TAG_SIZE),
    )
