"""Arrows between boxes: where they run, from edge to edge, and their look.

Points and boxes are in pixels of the picture that is drawn.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.bezier import BezierSegment
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from .colors import Color, hex_color

_ANCHORS_A_SIDE = 15
_LEAST_LENGTH = 70.0  # room for the head and a number
_PORT_GAP = 16.0  # between the ends of different arrows
_BEND = 0.2  # of the control point of a curve, as a part of its length
_NORMALS = np.repeat(  # (E, 2) of the edges of a box: top, bottom, left, right
    [[0, -1], [0, 1], [-1, 0], [1, 0]], _ANCHORS_A_SIDE, axis=0
)


def route_arrows(
    boxes: Sequence[np.ndarray],
    pairs: Sequence[tuple[int, int]],
    limits: Sequence[float] | None = None,
) -> list[np.ndarray]:
    """Find a curve for each relation; those of one pair share theirs.

    An arrow starts on an edge of its subject and ends on one of its object,
    close to the straight way between their centres. Where boxes touch,
    overlap or contain each other, points are taken that leave the arrow some
    length. The ends of different arrows keep a distance where they can.
    There and back are two curves, since each bends to its left.

    Args:
        boxes: N boxes (4,).
        pairs: (subject, object) positions among the boxes.
        limits: Width and height of the picture, which no curve leaves.

    Returns:
        A curve (33, 2) for each pair, from the subject to the object.

    Examples:
        >>> import numpy as np
        >>> boxes = [np.array([0, 0, 30, 30]), np.array([130, 0, 160, 30])]
        >>> [points] = route_arrows(boxes, [(0, 1)])
        >>> points[[0, -1]]  # a little to the left of the centres
        array([[ 30.,   7.],
               [130.,   7.]])
    """
    anchors = [_edge_points(np.asarray(box, float)) for box in boxes]
    routes: dict[tuple[int, int], np.ndarray] = {}
    ports = np.full((1, 2), np.inf)  # ends of the arrows so far
    for subject, object_ in dict.fromkeys(pairs):
        if subject == object_:
            corners = _loop(np.asarray(boxes[subject], float))
        else:
            ends = _connect(anchors[subject], anchors[object_], ports)
            ports = np.concatenate([ports, ends])
            x, y = ends[1] - ends[0]
            control = ends.mean(0) + _BEND * np.array([y, -x])
            corners = np.stack([ends[0], control, ends[1]])
        if limits is not None:
            # the curve lies between its ends and the control point
            corners[1] = corners[1].clip(0, limits)
        curve = BezierSegment(corners)
        routes[subject, object_] = curve(np.linspace(0, 1, 33))
    return [routes[pair] for pair in pairs]


def draw_arrow(
    axes: Axes, points: np.ndarray, color: Color, outline: bool = False
) -> None:
    """Draw a curve with a head at its end.

    Args:
        axes: Their unit is a pixel.
        points: (P, 2) points of the curve.
        color: RGB.
        outline: Whether it has a dot at its start and a white contour, as it
            needs on an image.
    """
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    arrow = FancyArrowPatch(
        path=Path(points),
        arrowstyle='-|>,head_length=1,head_width=0.42',
        mutation_scale=min(14.0, 0.5 * length),
        linewidth=2.5 if outline else 1.8,
        color=hex_color(color),
    )
    axes.add_patch(arrow)
    if outline:
        arrow.set_path_effects([withStroke(linewidth=6, foreground='white')])
        dot = Circle(
            points[0], 4, facecolor=hex_color(color), edgecolor='white'
        )
        axes.add_patch(dot)


def _loop(box: np.ndarray) -> np.ndarray:
    """Control points (3, 2) from a box (4,) to itself, over it or under it."""
    x1, y1, x2, y2 = box
    at_top = y1 < _LEAST_LENGTH / 2
    y, way = (y2, _LEAST_LENGTH) if at_top else (y1, -_LEAST_LENGTH)
    x = x1 + np.array([0.2, 0.5, 0.8]) * (x2 - x1)
    return np.stack([x, [y, y + 2 * way, y]], axis=1)


def _edge_points(box: np.ndarray) -> np.ndarray:
    """Points (E, 2) on the edges of a box (4,): top, bottom, left, right."""
    x1, y1, x2, y2 = box
    parts = (np.arange(_ANCHORS_A_SIDE) + 0.5) / _ANCHORS_A_SIDE
    x, y = x1 + parts * (x2 - x1), y1 + parts * (y2 - y1)
    sides = ((x, y1), (x, y2), (x1, y), (x2, y))
    return np.concatenate(
        [np.stack(np.broadcast_arrays(*side), axis=1) for side in sides]
    )


def _connect(
    starts: np.ndarray, ends: np.ndarray, ports: np.ndarray
) -> np.ndarray:
    """Choose the two ends (2, 2) of an arrow among edge points (E, 2).

    The way from centre to centre over both ends should be short: it is
    shortest where the straight line crosses the edges. The centres are
    moved to the left a little, so that there and back do not cross.
    """
    centres = np.stack([starts.mean(0), ends.mean(0)])
    x, y = centres[1] - centres[0]
    centres += 0.5 * _PORT_GAP * np.array([y, -x]) / max(np.hypot(x, y), 1e-6)
    way = ends - starts[:, None]  # (E, E, 2)
    length = np.linalg.norm(way, axis=-1)
    cost = length + 4 * (_LEAST_LENGTH - length).clip(0)
    # away from its own box 1, along an edge, where it is hard to see, 0
    unit = way / length[..., None].clip(1e-6)
    apart = (starts.min(0) > ends.max(0)) | (ends.min(0) > starts.max(0))
    for normals, sign in ((_NORMALS[:, None], 1), (_NORMALS, -1)):
        cosine = sign * (unit * normals).sum(-1)
        cosine = cosine if apart.any() else abs(cosine)
        cost += 100 * (1 - cosine) ** 2
    cost += _cost_of_end(starts, centres[0], ports)[:, None]
    cost += _cost_of_end(ends, centres[1], ports)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return np.stack([starts[i], ends[j]])


def _cost_of_end(
    points: np.ndarray, centre: np.ndarray, ports: np.ndarray
) -> np.ndarray:
    """(E,) way from the centre, more where another arrow ends nearby."""
    gaps = np.linalg.norm(points[:, None] - ports, axis=-1).min(1)
    way = np.linalg.norm(points - centre, axis=1)
    return way + 6 * (_PORT_GAP - gaps).clip(0)
