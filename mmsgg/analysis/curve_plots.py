"""Pictures of trainings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .training_log import Curve, TrainingLog

_COLUMNS = 3


def plot_curves(
    path: str | Path,
    logs: Mapping[str, TrainingLog],
    keys: Sequence[str],
    window: int = 5,
) -> None:
    """Draw a panel for each key with a line for each run.

    Args:
        path: Of the picture to write.
        logs: The runs under their names.
        keys: What to draw.
        window: Over how many logged values the curves of the training are
            averaged; the values themselves are drawn pale behind. Values of
            validations are drawn as they are, with dots.

    Raises:
        ValueError: Where a run lacks a key, naming those it has.
    """
    columns = min(_COLUMNS, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(
        figsize=(0.5 + 4.4 * columns, 0.6 + 3.0 * rows), layout='constrained'
    )
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
    panels = panels.ravel()
    for axes in panels[len(keys) :]:
        axes.set_axis_off()
    units = {log.unit for log in logs.values()}
    for axes, key in zip(panels, keys, strict=False):
        for number, (name, log) in enumerate(logs.items()):
            try:
                curve = log.curve(key)
            except ValueError as error:
                raise ValueError(f'{name}: {error}') from None
            _plot_curve(axes, curve, f'C{number % 10}', window, name)
        axes.set_title(key, fontsize=11)
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(' or '.join(sorted(units)))
        if units == {'epoch'}:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    handles, names = panels[0].get_legend_handles_labels()
    if len(logs) > 1:
        figure.legend(handles, names, loc='outside upper center', ncols=3)
    figure.savefig(path, dpi=120)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of each value and its neighbours.

    Args:
        values: (L,).
        window: How many values, those of both sides and itself; at the ends
            both sides are shorter.

    Returns:
        (L,).

    Examples:
        >>> import numpy as np
        >>> smooth(np.array([1.0, 5.0, 3.0, 7.0]), 3)
        array([1., 3., 5., 7.])
    """
    reach = np.arange(len(values))
    reach = np.minimum(np.minimum(reach, reach[::-1]), window // 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    total = sums[index + reach + 1] - sums[index - reach]
    return total / (2 * reach + 1)


def _plot_curve(
    axes: Axes, curve: Curve, color: str, window: int, name: str
) -> None:
    if curve.is_validation:
        axes.plot(
            curve.places, curve.values, 'o-', ms=4, color=color, label=name
        )
        return
    if window > 1:
        axes.plot(curve.places, curve.values, color=color, alpha=0.25, lw=1)
    smoothed = smooth(curve.values, window)
    axes.plot(curve.places, smoothed, color=color, lw=1.6, label=name)
