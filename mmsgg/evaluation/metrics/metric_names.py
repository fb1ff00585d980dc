"""The metrics that are known, and what each of them judges."""

import difflib
from collections.abc import Sequence

RANKING_OF = {
    'R': 'constrained',
    'ng-R': 'unconstrained',
    'mR': 'constrained',
    'ng-mR': 'unconstrained',
    'F': 'constrained',
    'ng-F': 'unconstrained',
    'zR': 'constrained',
    'ng-zR': 'unconstrained',
    'phr-R': 'phrase',
    'ng-phr-R': 'unconstrained-phrase',
    'A': 'annotated',
    'pooled-R': 'exclusive',
    'pooled-phr-R': 'exclusive-phrase',
}
"""The known metrics and the ranking of triplets that each one judges."""


def known_metrics(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple, if all are known.

    Args:
        metrics: One name or several.

    Returns:
        The names in their order.

    Raises:
        ValueError: On an unknown name; the message has the nearest known one.

    Examples:
        >>> known_metrics('R')
        ('R',)
    """
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    for name in names:
        if name not in RANKING_OF:
            close = difflib.get_close_matches(name, RANKING_OF, n=1, cutoff=0)
            raise ValueError(
                f'unknown metric {name!r}; did you mean {close[0]!r}? '
                f'Known are {", ".join(RANKING_OF)}.'
            )
    return names


def checked_topk(topk: int | Sequence[int]) -> tuple[int, ...]:
    """The numbers K as a tuple, if all are positive.

    Args:
        topk: One number or several.

    Returns:
        The numbers in their order.

    Raises:
        ValueError: Where there is none, or one below 1.

    Examples:
        >>> checked_topk([20, 50])
        (20, 50)
    """
    numbers = (topk,) if isinstance(topk, int) else tuple(topk)
    if not numbers or min(numbers) < 1:
        raise ValueError(f'topk must be positive numbers, got {topk}')
    return numbers
