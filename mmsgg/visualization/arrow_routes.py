"""Where the arrows between boxes run: from edge to edge.

Points and boxes are in pixels of the picture that is drawn.
"""

from collections.abc import Sequence

import numpy as np

_ANCHORS_A_SIDE = 15
_LEAST_LENGTH = 70.0  # room for the head and a number
_PORT_GAP = 16.0  # between the ends of different arrows
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
    ports = np.zeros((0, 2))
    for pair in pairs:
        if pair in routes:
            continue
        if pair[0] == pair[1]:
            routes[pair] = _loop(np.asarray(boxes[pair[0]], float), limits)
            continue
        ends = _connect(anchors[pair[0]], anchors[pair[1]], ports)
        ports = np.concatenate([ports, ends])
        routes[pair] = curve(*ends, limits=limits)
    return [routes[pair] for pair in pairs]


def curve(
    start: np.ndarray,
    end: np.ndarray,
    bend: float = 0.1,
    limits: Sequence[float] | None = None,
) -> np.ndarray:
    """A quadratic Bezier curve between two points.

    Args:
        start: (2,) point.
        end: (2,) point.
        bend: How far the curve leaves the straight line to its left, as a
            part of its length.
        limits: Width and height of a picture. The curve between two points in
            it stays in it.

    Returns:
        (33, 2) points.
    """
    along = end - start
    control = (start + end) / 2 + 2 * bend * np.array([along[1], -along[0]])
    return _bezier(start, control, end, limits)


def _loop(box: np.ndarray, limits: Sequence[float] | None) -> np.ndarray:
    """A curve from a box (4,) to itself, over it or, at the top, under it."""
    x1, y1, x2, y2 = box
    at_top = y1 < _LEAST_LENGTH / 2
    y, way = (y2, _LEAST_LENGTH) if at_top else (y1, -_LEAST_LENGTH)
    start, end = (np.array([x1 + k * (x2 - x1), y]) for k in (0.2, 0.8))
    control = np.array([(x1 + x2) / 2, y + 2 * way])
    return _bezier(start, control, end, limits)


def _bezier(
    start: np.ndarray,
    control: np.ndarray,
    end: np.ndarray,
    limits: Sequence[float] | None,
) -> np.ndarray:
    """Points (33, 2) of a quadratic Bezier curve within limits."""
    if limits is not None:
        # the curve lies between its ends and this point
        control = control.clip(0, limits)
    t = np.linspace(0, 1, 33)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def _edge_points(box: np.ndarray) -> np.ndarray:
    """Points (E, 2) on the edges of a box (4,): top, bottom, left, right."""
    x1, y1, x2, y2 = box
    parts = (np.arange(_ANCHORS_A_SIDE) + 0.5) / _ANCHORS_A_SIDE
    x, y = x1 + parts * (x2 - x1), y1 + parts * (y2 - y1)
    sides = [
        np.stack(np.broadcast_arrays(*side), axis=1)
        for side in ((x, y1), (x, y2), (x1, y), (x2, y))
    ]
    return np.concatenate(sides)


def _connect(
    starts: np.ndarray, ends: np.ndarray, ports: np.ndarray
) -> np.ndarray:
    """Choose the two ends (2, 2) of an arrow among edge points (E, 2).

    The way from centre to centre over both ends should be short: it is
    shortest where the straight line crosses the edges. The centres are
    moved to the left a little, so that there and back do not cross.
    """
    centres = np.stack([starts.mean(0), ends.mean(0)])
    along = centres[1] - centres[0]
    left = np.array([along[1], -along[0]])
    centres += 0.5 * _PORT_GAP * left / max(np.linalg.norm(left), 1e-6)
    way = ends - starts[:, None]  # (E, E, 2)
    length = np.linalg.norm(way, axis=-1)
    cost = length + 4 * (_LEAST_LENGTH - length).clip(0)
    # away from its own box 1, along an edge, where it is hard to see, 0
    unit = way / length[..., None].clip(1e-6)
    leaving = (unit * _NORMALS[:, None]).sum(-1), -(unit * _NORMALS).sum(-1)
    apart = (starts.min(0) > ends.max(0)) | (ends.min(0) > starts.max(0))
    for cosine in leaving:
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
    cost = np.linalg.norm(points - centre, axis=1)
    if len(ports):
        gaps = np.linalg.norm(points[:, None] - ports, axis=-1).min(1)
        cost += 6 * (_PORT_GAP - gaps).clip(0)
    return cost
