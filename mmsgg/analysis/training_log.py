"""Reading what mmengine logged of a training."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

PATTERN = '*/vis_data/scalars.json'


class Curve(NamedTuple):
    """The values of one key."""

    places: np.ndarray  # (L,) epochs or iterations, ascending
    values: np.ndarray  # (L,)
    is_validation: bool


class TrainingLog(NamedTuple):
    """All curves of a run."""

    unit: str  # of the places: 'epoch' or 'iteration'
    curves: dict[str, Curve]

    def curve(self, key: str) -> Curve:
        """The curve of a key.

        Args:
            key: Such as 'loss' or 'R@20'.

        Raises:
            ValueError: Where there is none; the message names those there
                are.
        """
        if key not in self.curves:
            known = ', '.join(sorted(self.curves))
            raise ValueError(f"no '{key}' is logged; there are: {known}")
        return self.curves[key]


def read_training_log(path: str | Path) -> TrainingLog:
    """Read the scalars of a run, one that was resumed too.

    Args:
        path: A ``scalars.json`` of mmengine's ``LocalVisBackend``, or a work
            directory. Of several starts in it a later one takes over from
            its first iteration on.

    Returns:
        Its curves, over epochs where the run counts epochs, else over
        iterations. mmengine does not log how many iterations an epoch has;
        it is taken from the last ones of an epoch that are logged.

    Raises:
        ValueError: Where there is no such file, nothing in it, or a line
            that is not JSON; the message names it.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.glob(PATTERN))
    if not files:
        raise ValueError(f"there is neither a file '{path}' nor {PATTERN}")
    training: list[dict] = []
    validation: list[dict] = []
    for file in files:
        later = [line for line in _lines(file) if isinstance(line, dict)]
        trained = [line for line in later if 'iter' in line]
        tested = [line for line in later if 'iter' not in line]
        training = _taken_over(training, trained, 'iter')
        validation = _taken_over(validation, tested, 'step')
    if not training and not validation:
        raise ValueError(f"nothing is logged in '{path}'")
    epochs = [line['epoch'] for line in training if 'epoch' in line]
    unit, length = 'iteration', 1
    if epochs:
        unit = 'epoch'
        length = max(-(-line['iter'] // line['epoch']) for line in training)
    curves = _curves(validation, 'step', 1, is_validation=True)
    curves |= _curves(training, 'iter', length, is_validation=False)
    return TrainingLog(unit, curves)


def _lines(file: Path) -> Iterator[dict]:
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise ValueError(
                f"line {number} of '{file}' is not JSON: {error}"
            ) from error


def _taken_over(earlier: list[dict], later: list[dict], key: str) -> list:
    """Entries of an earlier start up to where a later one begins."""
    if not later:
        return earlier
    return [line for line in earlier if line[key] < later[0][key]] + later


def _curves(
    lines: list[dict], place: str, unit: int, is_validation: bool
) -> dict[str, Curve]:
    """The curves of entries that stand at ``place`` / ``unit``."""
    columns: dict[str, list] = {}
    for line in lines:
        for key, value in line.items():
            if key not in ('epoch', 'iter', 'step') and value is not None:
                columns.setdefault(key, []).append((line[place] / unit, value))
    return {
        key: Curve(*np.array(column, np.float64).T, is_validation)
        for key, column in columns.items()
    }
