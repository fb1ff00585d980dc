"""Named groups of predicates, such as head, body and tail."""

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

PredicateGroups = Mapping[str, Sequence[str | int]]

VG150_HEAD = ('has', 'of', 'on', 'wearing')
VG150_BODY = (
    'above', 'behind', 'holding', 'in', 'in front of', 'near', 'riding',
    'sitting on', 'standing on', 'under', 'wears', 'with',
)  # fmt: skip


def vg150_groups(names: Sequence[str] | None) -> dict[str, list[str]]:
    """Head, body and tail of VG150's predicates, as PySGG fixed them.

    Args:
        names: The predicates of the data set.

    Returns:
        4, 12 and 34 names.

    Raises:
        ValueError: Where the names are not those of VG150.

    Examples:
        >>> rare = [f'rare {i}' for i in range(34)]
        >>> groups = vg150_groups([*VG150_HEAD, *VG150_BODY, *rare])
        >>> groups['tail'] == rare
        True
    """
    known = {*VG150_HEAD, *VG150_BODY}
    missing = sorted(known - {*(names or ())})
    if names is None or len(names) != 50 or missing:
        number = 'no' if names is None else len(names)
        raise ValueError(
            "predicate_groups='vg150' is for the 50 predicates of VG150; the "
            f'data set has {number} names of predicates'
            + (f', without {", ".join(missing)}' if names else '')
            + '; give the groups as dict(head=[...], ...)'
        )
    tail = [name for name in names if name not in known]
    return dict(head=list(VG150_HEAD), body=list(VG150_BODY), tail=tail)


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
