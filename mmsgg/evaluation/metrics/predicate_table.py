"""The recall of each predicate as text."""

from collections.abc import Mapping, Sequence

import numpy as np


def predicate_table(
    names: Sequence[str],
    counts: np.ndarray,
    recalls: Mapping[str, np.ndarray],
) -> str:
    """A table with one line a predicate, the most frequent first.

    Args:
        names: P names.
        counts: (P,) relations of each predicate.
        recalls: Fractions (P,) under the title of their column; nan is
            printed as a dash.

    Returns:
        The lines.

    Examples:
        >>> import numpy as np
        >>> print(predicate_table(
        ...     ['on', 'riding'], np.array([0, 4]),
        ...     {'R@20': np.array([np.nan, 0.25])}))
        predicate  relations   R@20
        riding             4  0.250
        on                 0      -
    """
    width = max(len('predicate'), *map(len, names))
    widths = [max(len(title), 5) for title in recalls]
    columns = list(recalls.values())
    head = [title.rjust(w) for title, w in zip(recalls, widths, strict=True)]
    lines = ['  '.join(['predicate'.ljust(width), 'relations', *head])]
    for row in np.argsort(-counts, kind='stable'):
        cells = [
            ('-' if np.isnan(column[row]) else f'{column[row]:.3f}').rjust(w)
            for column, w in zip(columns, widths, strict=True)
        ]
        name, count = names[row].ljust(width), f'{counts[row]:9d}'
        lines.append('  '.join([name, count, *cells]))
    return '\n'.join(lines)
