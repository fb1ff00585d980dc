"""Named groups of predicates, such as head, body and tail."""

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

PredicateGroups = Mapping[str, Sequence[str | int]]


def resolve_predicate_groups(
    groups: PredicateGroups, names: Sequence[str] | None, num_predicates: int
) -> dict[str, np.ndarray]:
    """Turn the names in groups of predicates into numbers.

    Args:
        groups: Names or 0-based numbers of predicates for each group.
        names: The P names, or None where they are not known.
        num_predicates: P.

    Returns:
        For each group the (Q,) int64 numbers.

    Raises:
        ValueError: On an unknown name, a number out of range, an empty group
            or a predicate that a group lists twice.

    Examples:
        >>> resolve_predicate_groups(
        ...     dict(head=['on', 2], tail=['in']), ['on', 'in', 'has'], 3)
        {'head': array([0, 2]), 'tail': array([1])}
    """
    resolved = {}
    for group, members in groups.items():
        where = f'predicate_groups[{group!r}]'
        if isinstance(members, str) or len(members) == 0:
            raise ValueError(
                f'{where} must be a list of predicates, got {members!r}'
            )
        numbers = [_number(m, names, num_predicates, where) for m in members]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f'{where} lists a predicate twice: {members}')
        resolved[group] = np.array(numbers)
    return resolved


def largest_number(groups: PredicateGroups) -> int:
    """The largest number, not name, in groups of predicates; else -1.

    Args:
        groups: Names or 0-based numbers of predicates for each group.

    Returns:
        The number.

    Examples:
        >>> largest_number(dict(head=['on', 2], tail=[1]))
        2
    """
    members = (member for group in groups.values() for member in group)
    numbers = (m for m in members if not isinstance(m, str))
    return max(numbers, default=-1)


def _number(
    member: str | int,
    names: Sequence[str] | None,
    num_predicates: int,
    where: str,
) -> int:
    """The number of one predicate."""
    if isinstance(member, str):
        if names is None:
            raise ValueError(
                f'{where} names {member!r}, but the data set does not say '
                "its 'predicates'; give numbers"
            )
        if member not in names:
            close = difflib.get_close_matches(member, names, n=1, cutoff=0)
            raise ValueError(
                f'{where} names {member!r}, which is no predicate of the '
                f'data set; did you mean {close[0]!r}?'
            )
        return list(names).index(member)
    if not 0 <= member < num_predicates:
        raise ValueError(
            f'{where} has the number {member}, but there are '
            f'{num_predicates} predicates, counted from 0'
        )
    return int(member)
