"""Membership of triplets in a list, for the zero-shot recalls."""

import numpy as np


def in_triplets(triplets: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Which triplets occur in a table.

    Args:
        triplets: (M, 3) non-negative ints [subject, object, predicate].
        table: (Z, 3) the same.

    Returns:
        (M,) bool.

    Examples:
        >>> import numpy as np
        >>> in_triplets(np.array([[4, 7, 1], [7, 4, 1]]),
        ...             np.array([[7, 4, 1], [0, 0, 0]]))
        array([False,  True])
    """
    both = np.concatenate([triplets, table]).astype(np.int64)
    base = both.max(initial=0) + 1
    codes = (both[:, 0] * base + both[:, 1]) * base + both[:, 2]
    return np.isin(codes[: len(triplets)], codes[len(triplets) :])
