"""Draw the curves of one training or of several.

Examples:
    python tools/analysis_tools/analyze_logs.py work_dirs/linknet/sgcls \
        work_dirs/linknet/sgdet --keys loss R@50 mR@50 --out curves.png
"""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

PATTERN = '*/vis_data/scalars.json'
USUAL_KEYS = ('loss', 'R@50', 'mR@50', 'pascal_voc/mAP')


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description='Draw the curves of one training or of several.'
    )
    add = parser.add_argument
    add(
        'runs',
        nargs='+',
        metavar='RUN',
        help='a work directory, or a scalars.json in its vis_data',
    )
    add(
        '--keys',
        nargs='+',
        metavar='KEY',
        help='what to draw, a panel each (default: loss, R@50, mR@50 and mAP, '
        'as far as all runs have them); --keys list names all',
    )
    add(
        '--names',
        nargs='+',
        metavar='NAME',
        help='of the runs in the legend (default: their paths)',
    )
    add(
        '--smooth',
        type=int,
        default=5,
        metavar='N',
        help='average training values over N that are logged (default: 5; '
        '1 for none)',
    )
    add('--out', default='curves.png', help='default: curves.png')
    args = parser.parse_args(argv)
    if args.names is not None and len(args.names) != len(args.runs):
        parser.error(f'{len(args.names)} --names for {len(args.runs)} runs')
    if args.smooth < 1:
        parser.error(f'--smooth must be positive: {args.smooth}')
    return args


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
            raise ValueError(self.missing(key))
        return self.curves[key]

    def missing(self, key: str) -> str:
        """Say that a key is not logged, and which are."""
        known = ', '.join(sorted(self.curves))
        return f"no '{key}' is logged; there are: {known}"


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
        ValueError: Where no run has a key, naming those of the first.
    """
    columns = min(3, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(
        figsize=(0.5 + 4.4 * columns, 0.6 + 3.0 * rows), layout='constrained'
    )
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
    panels = panels.ravel()
    for axes in panels[len(keys) :]:
        axes.set_axis_off()
    units = {log.unit for log in logs.values()}
    legend: dict[str, Artist] = {}
    for axes, key in zip(panels, keys, strict=False):
        if not any(key in log.curves for log in logs.values()):
            name, log = next(iter(logs.items()))
            raise ValueError(f'{name}: {log.missing(key)}')
        for number, (name, log) in enumerate(logs.items()):
            if key in log.curves:
                color = f'C{number % 10}'
                _plot_curve(axes, log.curves[key], color, window, name)
        handles, names = axes.get_legend_handles_labels()
        legend |= dict(zip(names, handles, strict=True))
        axes.set_title(key, fontsize=11)
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(' or '.join(sorted(units)))
        if units == {'epoch'}:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    if len(logs) > 1:
        shown = [name for name in logs if name in legend]
        figure.legend(
            [legend[name] for name in shown],
            shown,
            loc='outside upper center',
            ncols=3,
        )
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
    # a line of one point is not seen
    dot = 'o' if len(smoothed) == 1 else None
    axes.plot(
        curve.places, smoothed, marker=dot, color=color, lw=1.6, label=name
    )


def usual_keys(logs: Sequence[TrainingLog]) -> list[str]:
    """Choose what is drawn where nothing is asked for."""
    logged = [set(log.curves) for log in logs]
    # a training without validation and a test share nothing
    shared = set.intersection(*logged) or set.union(*logged)
    return [key for key in USUAL_KEYS if key in shared] or sorted(shared)


def logged_keys(
    keys: Sequence[str], runs: Mapping[str, TrainingLog]
) -> list[str]:
    """Leave out, and name, what no run has logged, as of validations.

    Raises:
        ValueError: If nothing is left.
    """
    found = {key for log in runs.values() for key in log.curves}
    missing = [key for key in keys if key not in found]
    if len(missing) == len(keys):
        name, log = next(iter(runs.items()))
        raise ValueError(f'{name}: {log.missing(missing[0])}')
    if missing:
        print(f'left out, as no run has logged it: {", ".join(missing)}')
    return [key for key in keys if key in found]


def main(argv: Sequence[str] | None = None) -> None:
    """Read the runs, draw, and say the last values."""
    args = parse_args(argv)
    try:
        logs = [read_training_log(run) for run in args.runs]
        runs = dict(zip(args.names or args.runs, logs, strict=True))
        if args.keys == ['list']:
            for name, log in runs.items():
                print(f'{name}: {" ".join(sorted(log.curves))}')
            return
        keys = logged_keys(args.keys or usual_keys(logs), runs)
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        plot_curves(args.out, runs, keys, args.smooth)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    for name, log in runs.items():
        last = (
            f'{key} {log.curve(key).values[-1]:.4g}'
            for key in keys
            if key in log.curves
        )
        print(f'{name}: {", ".join(last)}')
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
