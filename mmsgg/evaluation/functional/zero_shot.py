"""The triplets that the training set does not contain, for zR."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mmsgg.fileio import load_tensors


def read_zero_shot_triplets(
    source: ArrayLike | str | Path | None,
) -> np.ndarray:
    """Make an array of a list of triplets or of the file that holds it.

    Rows are 0-based [subject class, object class, predicate]. The file
    ``zeroshot_triplet.pytorch`` of Scene-Graph-Benchmark is 1-based in all
    three columns: subtract 1 before it is used here.

    Args:
        source: An array, a tensor or a list (Z, 3), or a path: ``.npy``, text
            (``.txt``, three numbers a line) or a tensor that ``torch.save``
            wrote (any other suffix).

    Returns:
        (Z, 3) int64.

    Raises:
        ValueError: Where that is not a list of triplets.
    """
    if source is None:
        raise ValueError(
            'zR and ng-zR need zero_shot_triplets: an array (Z, 3) of '
            '0-based [subject, object, predicate], or its path'
        )
    if isinstance(source, str | Path):
        source = _load(Path(source))
    triplets = np.asarray(source)
    if triplets.size == 0:
        return np.zeros((0, 3), dtype=np.int64)
    if triplets.ndim != 2 or triplets.shape[1] != 3:
        raise ValueError(
            'zero_shot_triplets must have the shape (Z, 3): [subject, '
            f'object, predicate], got {triplets.shape}'
        )
    if (triplets != triplets.astype(np.int64)).any() or triplets.min() < 0:
        raise ValueError('zero_shot_triplets must be non-negative integers')
    return triplets.astype(np.int64)


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


def _load(path: Path) -> ArrayLike:
    if path.suffix == '.npy':
        return np.load(path)
    if path.suffix == '.txt':
        return np.loadtxt(path, dtype=np.int64, ndmin=2)
    with path.open('rb') as file:
        return load_tensors(file)
