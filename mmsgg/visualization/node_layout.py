"""Where the nodes of a graph stand, near where their objects are."""

import numpy as np

_GAP = np.array([70.0, 56.0])  # between nodes, for arrows and labels
_MARGIN = 16.0
_STEPS = 300


def spread_nodes(
    centres: np.ndarray, sizes: np.ndarray, canvas: tuple[float, float]
) -> np.ndarray:
    """Spread nodes over a canvas so that none hides another.

    The centres are stretched to fill the canvas, then nodes that are too
    close push each other apart, step by step. Nothing is left to chance.

    Args:
        centres: (N, 2) where the objects are, in any unit.
        sizes: (N, 2) width and height of the nodes in pixels.
        canvas: Width and height in pixels.

    Returns:
        (N, 2) centres of the nodes in pixels, the nodes inside the canvas.
        They overlap only where the canvas has no room for all.

    Examples:
        >>> import numpy as np
        >>> spread_nodes(
        ...     np.array([[5, 5], [9, 5]]), np.full((2, 2), 20), (200, 100))
        array([[ 26.,  50.],
               [174.,  50.]])
    """
    sizes = np.asarray(sizes, np.float64)
    low = sizes / 2 + _MARGIN
    high = np.maximum(np.array(canvas) - low, low)
    points = _stretched(np.asarray(centres, np.float64), low, high)
    needed = (sizes[:, None] + sizes) / 2 + _GAP  # (N, N, 2)
    index = np.arange(len(points))
    tie = np.sign(index[:, None] - index)[..., None]  # for equal places
    for _ in range(_STEPS):
        apart = points[:, None] - points  # (N, N, 2)
        lack = (needed - abs(apart)).clip(0)
        lack[~(lack > 0).all(-1)] = 0
        if lack.sum() == np.trace(lack).sum():  # of a node to itself
            break
        push = 0.5 * lack * np.where(apart == 0, tie, np.sign(apart))
        # the shorter way; the longer one as well, a little, frees jams
        push *= np.where(lack <= lack[..., ::-1], 0.8, 0.1)
        points = (points + push.sum(1)).clip(low, high)
    return points


def _stretched(
    points: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Points (N, 2) stretched into a canvas."""
    if len(points) == 0:
        return points
    extent = np.ptp(points, axis=0)
    parts = np.divide(
        points - points.min(0),
        extent,
        out=np.full_like(points, 0.5),
        where=extent > 0,
    )
    return low + parts * (high - low)
