"""Arrows between boxes: where they run, and their look.

Points and boxes are in pixels of the picture that is drawn.
"""

from collections.abc import Mapping, Sequence

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
_BENDS = (0.2, 0.4, 0.6, 0.9, 0.0)  # of the control point, of the length
_SHARED = 0.3  # of the smaller of two boxes, from where names stand for them
_CLEARANCE = 6.0  # pixels between a curve and what it goes around
_NORMALS = np.repeat(  # (E, 2) of the edges of a box: top, bottom, left, right
    [[0, -1], [0, 1], [-1, 0], [1, 0]], _ANCHORS_A_SIDE, axis=0
)


def route_arrows(
    boxes: Sequence[np.ndarray],
    pairs: Sequence[tuple[int, int]],
    limits: Sequence[float] | None = None,
    tags: Mapping[int, Sequence[float]] | None = None,
    around: bool = False,
) -> list[np.ndarray]:
    """Find a curve for each relation; those of one pair share theirs.

    An arrow starts on an edge of its subject and ends on one of its object,
    close to the straight way between their centres. Where boxes touch,
    overlap or contain each other, points are taken that leave the arrow some
    length. The ends of different arrows keep a distance where they can.
    There and back are two curves, since each bends to its left.

    Edges of boxes that share much of the smaller one lie in both of them and
    do not tell them apart: such an arrow runs from name to name.

    Args:
        boxes: N boxes (4,).
        pairs: (subject, object) positions among the boxes.
        limits: Width and height of the picture, which no curve leaves.
        tags: Boxes (4,) of the names of some boxes, by their positions.
        around: Whether a curve bends until it crosses no third box, where it
            can.

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
    boxes = [np.asarray(box, float) for box in boxes]
    names = {row: np.asarray(tag, float) for row, tag in (tags or {}).items()}
    hiding = np.reshape(list(names.values()), (-1, 4))
    routes: dict[tuple[int, int], np.ndarray] = {}
    ports = np.full((1, 2), np.inf)  # ends of the arrows so far
    # where edges are taken does not depend on arrows between names
    order = sorted(dict.fromkeys(pairs), key=lambda pair: by_name(boxes, pair))
    for pair in order:
        subject, object_ = (boxes[row] for row in pair)
        if pair[0] == pair[1]:
            routes[pair] = _curve(_loop(subject), limits)
            continue
        if by_name(boxes, pair) and names.keys() >= set(pair):
            subject, object_ = (names[row] for row in pair)
        anchors = _edge_points(subject), _edge_points(object_)
        ends = _connect(*anchors, ports, hiding)
        ports = np.concatenate([ports, ends])
        others = [box for row, box in enumerate(boxes) if row not in pair]
        routes[pair] = _bend(ends, np.array(others if around else []), limits)
    return [routes[pair] for pair in pairs]


def draw_arrow(
    axes: Axes,
    points: np.ndarray,
    color: Color,
    outline: bool = False,
    scale: float = 1.0,
) -> None:
    """Draw a curve with a head at its end.

    Args:
        axes: Their unit is a pixel.
        points: (P, 2) points of the curve.
        color: RGB.
        outline: Whether it has a dot at its start and a white contour, as it
            needs on an image.
        scale: Of its widths.
    """
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    arrow = FancyArrowPatch(
        path=Path(points),
        arrowstyle='-|>,head_length=1,head_width=0.42',
        mutation_scale=min(14.0 * scale, 0.5 * length),
        linewidth=scale * (2.5 if outline else 1.8),
        color=hex_color(color),
    )
    axes.add_artist(arrow)  # add_patch also looks for limits of the axes
    if outline:
        contour = withStroke(linewidth=6 * scale, foreground='white')
        arrow.set_path_effects([contour])
        dot = Circle(
            points[0],
            4 * scale,
            facecolor=hex_color(color),
            edgecolor='white',
            linewidth=scale,
        )
        axes.add_artist(dot)


def by_name(boxes: Sequence[np.ndarray], pair: tuple[int, int]) -> bool:
    """Whether two boxes (4,) share more than 30 % of the smaller one."""
    ends = np.stack([boxes[row] for row in pair])
    low, high = ends[:, :2].max(0), ends[:, 2:].min(0)
    area = (ends[:, 2:] - ends[:, :2]).prod(1).min()
    shared = (high - low).clip(0).prod()
    return pair[0] != pair[1] and bool(shared > _SHARED * area)


def _bend(
    ends: np.ndarray, others: np.ndarray, limits: Sequence[float] | None
) -> np.ndarray:
    """The least bent curve (33, 2) over the fewest of other boxes (B, 4)."""
    x, y = ends[1] - ends[0]
    curves = []
    for bend in _BENDS:
        control = ends.mean(0) + bend * np.array([y, -x])
        corners = np.stack([ends[0], control, ends[1]])
        curves.append(_curve(corners, limits))
    low, high = np.split(others.reshape(-1, 1, 4), 2, axis=-1)
    points = np.stack(curves)[:, None]  # (bends, 1, 33, 2)
    over = (points > low - _CLEARANCE) & (points < high + _CLEARANCE)
    return curves[over.all(-1).sum((1, 2)).argmin()]


def _curve(corners: np.ndarray, limits: Sequence[float] | None) -> np.ndarray:
    """Points (33, 2) of the curve of an end, a control point and an end."""
    if limits is not None:
        # the curve lies between its ends and the control point
        corners[1] = corners[1].clip(0, limits)
    return BezierSegment(corners)(np.linspace(0, 1, 33))


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
    starts: np.ndarray,
    ends: np.ndarray,
    ports: np.ndarray,
    hiding: np.ndarray,
) -> np.ndarray:
    """Choose the two ends (2, 2) of an arrow among edge points (E, 2).

    The way from centre to centre over both ends should be short: it is
    shortest where the straight line crosses the edges. The centres are
    moved to the left a little, so that there and back do not cross. Points
    inside one of the boxes (T, 4) that hide what is below are the last.
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
    cost += _cost_of_end(starts, centres[0], ports, hiding)[:, None]
    cost += _cost_of_end(ends, centres[1], ports, hiding)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return np.stack([starts[i], ends[j]])


def _cost_of_end(
    points: np.ndarray,
    centre: np.ndarray,
    ports: np.ndarray,
    hiding: np.ndarray,
) -> np.ndarray:
    """(E,) way from the centre, more near another end and where hidden."""
    gaps = np.linalg.norm(points[:, None] - ports, axis=-1).min(1)
    way = np.linalg.norm(points - centre, axis=1)
    low, high = np.split(hiding, 2, axis=1)
    inside = (points[:, None] > low) & (points[:, None] < high)
    hidden = np.any(np.all(inside, axis=-1), axis=1)
    return way + 6 * (_PORT_GAP - gaps).clip(0) + 300 * hidden
