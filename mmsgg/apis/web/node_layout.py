"""Where the nodes of a graph go."""

import numpy as np

CANVAS = np.array([760.0, 520.0])
EDGE_LENGTH = 170.0
FAR = 1.6
"""Distance, in edges, of nodes that no path connects."""


def node_positions(
    centers: np.ndarray, pairs: np.ndarray, sizes: np.ndarray, gap: np.ndarray
) -> np.ndarray:
    """Lay out a graph so that related nodes are near, and none overlap.

    It starts where the objects are in the image, so that left stays left
    and up stays up as far as it can, and the same graph always looks the
    same.

    Args:
        centers: (N, 2) box centres as fractions of the image.
        pairs: (K, 2) rows of related nodes.
        sizes: (N, 2) widths and heights of the nodes.
        gap: (2,) room between two nodes.

    Returns:
        (N, 2) centres of the nodes.
    """
    # no two at the same place
    start = centers + np.arange(len(centers))[:, None] * [0.001, 0.0013]
    distances = EDGE_LENGTH * path_lengths(len(centers), pairs)
    positions = lower_stress(start * CANVAS, distances)
    return spread(_fit_canvas(positions), sizes, gap)


def path_lengths(num_nodes: int, pairs: np.ndarray) -> np.ndarray:
    """Edges on the shortest way between nodes (N, N), else ``FAR``."""
    lengths = np.full((num_nodes, num_nodes), np.inf)
    np.fill_diagonal(lengths, 0)
    first, second = pairs.reshape(-1, 2).T
    lengths[first, second] = lengths[second, first] = 1
    for via in range(num_nodes):
        detour = lengths[:, via, None] + lengths[via]
        lengths = np.minimum(lengths, detour)
    return np.where(np.isinf(lengths), FAR, lengths)


def lower_stress(
    positions: np.ndarray, distances: np.ndarray, num_rounds: int = 60
) -> np.ndarray:
    """Move nodes until their distances are about the given ones.

    Stress majorization (SMACOF) with equal weights: each round moves every
    node to the mean of the places where the others want it.

    Args:
        positions: (N, 2) where to start.
        distances: (N, N) wanted distances.
        num_rounds: How many rounds.

    Returns:
        (N, 2) new positions.
    """
    for _ in range(num_rounds if len(positions) > 1 else 0):
        offsets = positions[:, None] - positions  # (N, N, 2)
        lengths = np.linalg.norm(offsets, axis=-1)
        ratio = distances / np.maximum(lengths, 1e-9)
        wanted = positions + ratio[..., None] * offsets
        positions = wanted.mean(1)
    return positions


def _fit_canvas(positions: np.ndarray) -> np.ndarray:
    """Give a graph about the shape of the canvas, and keep its area."""
    if len(positions) < 3:
        return positions
    sides = np.maximum(np.ptp(positions, axis=0) / CANVAS, 1e-3)
    return positions * (np.sqrt(sides.prod()) / sides).clip(0.6, 1.6)


def spread(
    positions: np.ndarray,
    sizes: np.ndarray,
    gap: np.ndarray,
    max_rounds: int = 300,
) -> np.ndarray:
    """Move nodes apart until none comes too near to another.

    Two nodes that are too near move along the axis on which less is missing,
    each by half of it.

    Args:
        positions: (N, 2) centres.
        sizes: (N, 2) widths and heights.
        gap: (2,) least room between two nodes.
        max_rounds: After so many rounds it ends in any case.

    Returns:
        (N, 2) new centres.
    """
    needed = (sizes[:, None] + sizes) / 2 + gap  # (N, N, 2)
    for _ in range(max_rounds):
        offsets = positions[:, None] - positions
        missing = needed - np.abs(offsets)
        near = (missing > 0.1).all(-1)
        np.fill_diagonal(near, False)
        if not near.any():
            break
        along = missing.argmin(-1)[..., None] == [0, 1]
        steps = np.sign(offsets) * missing * along * near[..., None]
        counts = np.maximum(near.sum(1), 1)[:, None]
        positions = positions + 0.5 * steps.sum(1) / counts
    return positions
