"""Pictures of predicates: how frequent, how well recalled, how confused."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

_LINE = 0.2  # inches
_BLUE = np.array([0.12, 0.35, 0.78])
_SMALL = 20  # up to so many predicates the cells carry numbers
_MANY = 50  # names in a column at most


def plot_predicates(
    path: str | Path, names: Sequence[str], counts: np.ndarray
) -> None:
    """Draw the long tail: a bar for each predicate, the longest first.

    Args:
        path: Of the picture to write.
        names: (P,) predicates.
        counts: (P,) relations of each.
    """
    order = np.argsort(-counts, kind='stable')
    columns = _columns(order)
    height = 1.0 + _LINE * len(columns[0])
    figure = Figure(
        figsize=(1.5 + 3.5 * len(columns), height), layout='constrained'
    )
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    for axes, rows in zip(panels, columns, strict=True):
        _plot_counts(axes, names, counts, rows, 'tab:blue')
    figure.savefig(path, dpi=120)


def _columns(order: np.ndarray) -> list[np.ndarray]:
    """Cut a long list into columns that a screen shows."""
    return np.array_split(order, max(1, -(-len(order) // _MANY)))


def _plot_counts(
    axes: Axes,
    names: Sequence[str],
    counts: np.ndarray,
    rows: np.ndarray,
    color: str,
) -> None:
    """Draw a bar for each of some rows, from the top down."""
    axes.barh(np.arange(len(rows)), counts[rows], color=color)
    axes.set_xscale('log')
    # a count of 1 is seen, 0 is not
    axes.set_xlim(0.7, 1.5 * counts.max(initial=1))
    axes.set_xlabel('relations')
    axes.set_yticks(np.arange(len(rows)), [names[i] for i in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis='x', alpha=0.3)
    axes.set_axisbelow(True)


def plot_predicate_recalls(
    path: str | Path,
    names: Sequence[str],
    counts: np.ndarray,
    recalls: Mapping[str, np.ndarray],
) -> None:
    """Draw bars of counts and recalls, the most frequent predicate first.

    Args:
        path: Of the picture to write.
        names: (P,) predicates.
        counts: (P,) relations of each; those without any are left out.
        recalls: (P,) fractions under the title of their bars, such as
            'R@20'; a later one must not be smaller than one before.
    """
    order = np.argsort(-counts, kind='stable')
    columns = _columns(order[counts[order] > 0])
    figure = Figure(
        figsize=(3 + 6 * len(columns), 1.5 + _LINE * len(columns[0])),
        layout='constrained',
    )
    panels = figure.subplots(
        1,
        2 * len(columns),
        squeeze=False,
        width_ratios=(1, 2) * len(columns),
    )[0]
    for left, right, rows in zip(
        panels[::2], panels[1::2], columns, strict=True
    ):
        _plot_counts(left, names, counts, rows, '0.6')
        _plot_recalls(right, recalls, rows)
        right.sharey(left)
        right.tick_params(labelleft=False)
    handles, titles = panels[1].get_legend_handles_labels()
    figure.legend(
        handles,
        titles,
        loc='outside upper right',
        ncols=len(recalls),
        reverse=True,
    )
    figure.savefig(path, dpi=120)


def _plot_recalls(
    axes: Axes, recalls: Mapping[str, np.ndarray], rows: np.ndarray
) -> None:
    strengths = np.linspace(1, 0.3, len(recalls))
    # drawn from the last one on, so that the smaller bar hides the larger
    for title, strength in reversed([*zip(recalls, strengths, strict=True)]):
        color = 1 - strength * (1 - _BLUE)
        places = np.arange(len(rows))
        axes.barh(places, recalls[title][rows], color=color, label=title)
    axes.set_xlim(0, 1)
    axes.set_xlabel('recall')
    axes.grid(axis='x', alpha=0.3)
    axes.set_axisbelow(True)


def plot_prior(
    path: str | Path,
    probabilities: np.ndarray,
    class_counts: np.ndarray,
    classes: Sequence[str],
    predicates: Sequence[str],
    num_classes: int = 15,
) -> None:
    """Draw the best predicate of each pair of the most frequent classes.

    Args:
        path: Of the picture to write.
        probabilities: (C, C, P) of the predicates.
        class_counts: (C,) by which classes are chosen.
        classes: (C,) names.
        predicates: (P,) names.
        num_classes: How many classes to show.
    """
    chosen = np.argsort(-class_counts, kind='stable')[:num_classes]
    shown = probabilities[np.ix_(chosen, chosen)]  # (M, M, P)
    best, values = shown.argmax(axis=-1), shown.max(axis=-1)
    size, highest = len(chosen), values.max(initial=0)
    figure = Figure(
        figsize=(3 + 0.62 * size, 2 + 0.5 * size), layout='constrained'
    )
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap='Blues', vmin=0, aspect='auto')
    names = [classes[i] for i in chosen]
    axes.set_xticks(range(size), names, rotation=45, ha='right')
    axes.set_yticks(range(size), names)
    axes.set(xlabel='object', ylabel='subject')
    _write_cells(
        axes,
        values,
        lambda *cell: predicates[best[cell]].replace(' ', '\n'),
        dark=0.6 * highest,
        size=8,
    )
    figure.colorbar(image, label='probability of the best predicate')
    figure.savefig(path, dpi=120)


def plot_confusion(
    path: str | Path, names: Sequence[str], counts: np.ndarray
) -> None:
    """Draw the confusion of predicates, the most frequent first.

    Args:
        path: Of the picture to write.
        names: (P,) predicates.
        counts: (P, P + 1) annotated x predicted, the last column: not
            ranked. Predicates that are not annotated get no row, those that
            are not predicted either no column.
    """
    totals = counts.sum(1)
    order = np.argsort(-totals, kind='stable')
    rows = order[totals[order] > 0]
    columns = order[(totals + counts[:, :-1].sum(0))[order] > 0]
    columns = np.append(columns, len(names))  # the last one: not ranked
    shares = counts[np.ix_(rows, columns)] / totals[rows, None]
    titles = [*names, 'not ranked']
    width, height = 3.6 + _LINE * len(columns), 2.6 + _LINE * len(rows)
    figure = Figure(figsize=(width, max(height, 4)), layout='constrained')
    axes = figure.add_subplot()
    # the root, so that rare confusions are seen
    image = axes.imshow(shares, cmap='Blues', norm=PowerNorm(0.5, 0, 1))
    axes.axvline(len(columns) - 1.5, color='0.5', lw=1)
    names_below = [titles[i] for i in columns]
    axes.set_xticks(range(len(columns)), names_below, rotation=90, fontsize=8)
    names_beside = [f'{names[i]} ({totals[i]})' for i in rows]
    axes.set_yticks(range(len(rows)), names_beside, fontsize=8)
    axes.set(xlabel='predicted', ylabel='annotated')
    if len(columns) <= _SMALL:
        shown = np.where(shares >= 0.005, shares, 0)
        _write_cells(
            axes, shown, lambda *cell: f'{100 * shares[cell]:.0f}', dark=0.4
        )
    figure.colorbar(image, label='part of the annotated', shrink=0.6)
    figure.savefig(path, dpi=120)


def _write_cells(
    axes: Axes,
    values: np.ndarray,
    text_of: Callable[[int, int], str],
    dark: float,
    size: int = 6,
) -> None:
    """Write into the cells above 0, in white above ``dark``."""
    for row, column in np.argwhere(values > 0).tolist():
        color = 'white' if values[row, column] > dark else 'black'
        axes.text(
            column, row, text_of(row, column), color=color,
            ha='center', va='center', fontsize=size,
        )  # fmt: skip
