"""Pictures of how well each predicate is recalled."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

_SMALL = 20  # up to so many predicates the cells carry numbers
_LINE = 0.2  # inches


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
    shades = np.linspace(0.35, 0.95, len(recalls))[::-1]
    for shade, (title, values) in zip(shades, recalls.items(), strict=True):
        right.barh(
            places,
            values[order],
            color=(0.12, 0.35, 0.78, shade),
            label=title,
            # the smaller of two bars hides the larger one
            zorder=3 - list(recalls).index(title) / len(recalls),
        )
    right.set_xlim(0, 1)
    right.set_xlabel('recall')
    figure.legend(loc='outside upper right', ncols=len(recalls))
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
            Predicates that are neither annotated nor predicted are left out.
    """
    totals = counts.sum(1)
    order = np.argsort(-totals, kind='stable')
    order = order[(totals + counts[:, :-1].sum(0))[order] > 0]
    columns = np.append(order, len(names))  # the last one: not ranked
    shares = (
        counts[np.ix_(order, columns)] / np.maximum(totals[order], 1)[:, None]
    )
    side = 2.6 + _LINE * max(len(order), 8)
    figure = Figure(figsize=(side + 1, side), layout='constrained')
    axes = figure.add_subplot()
    # the root, so that rare confusions are seen
    image = axes.imshow(shares, cmap='Blues', norm=PowerNorm(0.5, 0, 1))
    axes.axvline(len(order) - 0.5, color='0.5', lw=1)
    shown = [names[i] for i in order]
    style = dict(fontsize=8)
    axes.set_xticks(
        range(len(columns)), [*shown, 'not ranked'], rotation=90, **style
    )
    axes.set_yticks(
        range(len(order)),
        [f'{names[i]} ({totals[i]})' for i in order],
        **style,
    )
    axes.set(xlabel='predicted', ylabel='annotated')
    if len(order) <= _SMALL:
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
