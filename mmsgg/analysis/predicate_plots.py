"""Pictures of how well each predicate is recalled."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

_SMALL = 20  # up to so many predicates the cells carry numbers
_LINE = 0.2  # inches
_BLUE = np.array([0.12, 0.35, 0.78])


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
    order = order[counts[order] > 0]
    places = np.arange(len(order))
    figure = Figure(
        figsize=(9, 1.5 + _LINE * len(order)), layout='constrained'
    )
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 2))
    left.barh(places, counts[order], color='0.6')
    left.set_xscale('log')
    left.set_xlim(left=0.7)  # a count of 1 is seen
    left.set_xlabel('relations')
    left.set_yticks(places, [names[i] for i in order], fontsize=8)
    left.set_ylim(len(order) - 0.4, -0.6)
    strengths = np.linspace(1, 0.3, len(recalls))
    # drawn from the last one on, so that the smaller bar hides the larger
    for title, strength in reversed([*zip(recalls, strengths, strict=True)]):
        color = 1 - strength * (1 - _BLUE)
        right.barh(places, recalls[title][order], color=color, label=title)
    right.set_xlim(0, 1)
    right.set_xlabel('recall')
    figure.legend(loc='outside upper right', ncols=len(recalls), reverse=True)
    for axes in (left, right):
        axes.grid(axis='x', alpha=0.3)
        axes.set_axisbelow(True)
    figure.savefig(path, dpi=120)


def plot_confusion(
    path: str | Path,
    names: Sequence[str],
    counts: np.ndarray,
) -> None:
    """Draw the confusion of predicates, the most frequent first.

    Args:
        path: Of the picture to write.
        names: (P,) predicates.
        counts: (P, P + 1) of
            :class:`~mmsgg.analysis.predicate_confusion.PredicateConfusion`.
            Predicates that are not annotated get no row, those that are not
            predicted either no column.
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
    style = dict(fontsize=8)
    names_below = [titles[i] for i in columns]
    axes.set_xticks(range(len(columns)), names_below, rotation=90, **style)
    names_beside = [f'{names[i]} ({totals[i]})' for i in rows]
    axes.set_yticks(range(len(rows)), names_beside, **style)
    axes.set(xlabel='predicted', ylabel='annotated')
    if len(columns) <= _SMALL:
        for row, column in np.argwhere(shares >= 0.005):
            share = shares[row, column]
            axes.text(
                column,
                row,
                f'{100 * share:.0f}',
                color='white' if share > 0.4 else 'black',
                ha='center',
                va='center',
                fontsize=6,
            )
    figure.colorbar(image, label='part of the annotated', shrink=0.6)
    figure.savefig(path, dpi=120)
