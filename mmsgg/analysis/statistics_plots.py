"""Pictures of the statistics of a data set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure


def plot_predicates(
    path: str | Path, names: Sequence[str], counts: np.ndarray
) -> None:
    """Draw the long tail: a bar for each predicate, the longest first.

    Args:
        path: Of the PNG to write.
        names: (P,) predicates.
        counts: (P,) relations of each.
    """
    order = np.argsort(-counts, kind='stable')
    places = np.arange(len(order))
    figure = Figure(
        figsize=(max(5, 0.22 * len(order)), 4.5), layout='constrained'
    )
    axes = figure.add_subplot()
    axes.bar(places, counts[order], color='tab:blue')
    axes.set_yscale('log')
    axes.set_ylim(bottom=0.7)  # a count of 1 is seen, 0 is not
    axes.set_xlim(-0.7, len(order) - 0.3)
    axes.set_xticks(places, [names[i] for i in order], rotation=90)
    axes.tick_params(axis='x', labelsize=8)
    axes.set_ylabel('relations')
    axes.grid(axis='y', alpha=0.3)
    axes.set_axisbelow(True)
    figure.savefig(path, dpi=120)


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
        path: Of the PNG to write.
        probabilities: (C, C, P) of the predicates.
        class_counts: (C,) by which classes are chosen.
        classes: (C,) names.
        predicates: (P,) names.
        num_classes: How many classes to show.
    """
    chosen = np.argsort(-class_counts, kind='stable')[:num_classes]
    shown = probabilities[np.ix_(chosen, chosen)]  # (M, M, P)
    best, values = shown.argmax(axis=-1), shown.max(axis=-1)
    size = len(chosen)
    sides = 3 + 0.62 * size, 2 + 0.5 * size
    figure = Figure(figsize=sides, layout='constrained')
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap='Blues', vmin=0, aspect='auto')
    names = [classes[i] for i in chosen]
    axes.set_xticks(range(size), names, rotation=45, ha='right')
    axes.set_yticks(range(size), names)
    axes.set(xlabel='object', ylabel='subject')
    dark = 0.6 * values.max(initial=0)
    centred = dict(ha='center', va='center', fontsize=6)
    for row, column in np.argwhere(values > 0):
        name = predicates[best[row, column]].replace(' ', '\n')
        color = 'white' if values[row, column] > dark else 'black'
        axes.text(column, row, name, color=color, **centred)
    figure.colorbar(image, label='probability of the best predicate')
    figure.savefig(path, dpi=120)
