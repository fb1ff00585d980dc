"""Weights of Scene-Graph-Benchmark under our names, and back.

Which weight goes where stands in :mod:`sgb_rules`. A rule holds in both
directions: no two rules share a name on either side.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from conversion import COUNTER, count_batches, refuse_left_over
from sgb_rules import DETECTOR, KINDS, Duplicate, Rule, Unused

PREDICTOR = 'roi_heads.relation.predictor.'
# their frozen batch norm counts no batches
UNCOUNTED = 'backbone.'
# of the training set, which they count again
COUNTS = 'relation_head.predicate_counts'
Entry = TypeVar('Entry', Rule, Unused, Duplicate)


class ConvertedWeights(NamedTuple):
    """What :func:`convert` makes of a checkpoint."""

    state_dict: dict[str, Tensor]  # by our names
    sources: dict[str, str]  # the name there of each of our names
    kept: dict[str, Tensor]  # by their names: what only the way back needs


def kind_of(names: Iterable[str]) -> str:
    """Tell the kind of a checkpoint, a key of ``KINDS``, by its names.

    Raises:
        ValueError: If it is none of them.
    """
    names = set(names)
    if not any(name.startswith('roi_heads.') for name in names):
        raise ValueError(
            'none of its weights has a name of Scene-Graph-Benchmark'
        )
    if not any(name.startswith('roi_heads.relation.') for name in names):
        return 'detector'
    found = [
        kind
        for kind, entry in KINDS.items()
        if entry.signs
        and all(PREDICTOR + sign in names for sign in entry.signs)
    ]
    if len(found) == 1:
        return found[0]
    parts = {
        name.removeprefix(PREDICTOR).rpartition('.')[0]
        for name in names
        if name.startswith(PREDICTOR)
    }
    raise ValueError(
        f'its relation head is none of {", ".join(KINDS)}; it consists of '
        f'{", ".join(sorted(parts))}'
    )


def convert(state_dict: Mapping[str, Tensor], kind: str) -> ConvertedWeights:
    """Rename the weights and move background last.

    Sizes are those of the checkpoint, whatever they are.

    Args:
        state_dict: Weights without the prefix ``module.``.
        kind: A key of ``KINDS``.

    Raises:
        ValueError: If a weight is left over, naming all of them, or values
            cannot be what their name says.
    """
    rules, unused, duplicates = entries_of(kind)
    out, sources, kept, left_over = {}, {}, {}, []
    for name, values in state_dict.items():
        entry: Any = longest(name, [*rules, *unused, *duplicates], 'there')
        if entry is None:
            left_over.append(f'{name} {tuple(values.shape)}')
        elif isinstance(entry, Unused):
            kept[name] = values
        elif isinstance(entry, Duplicate):
            _demand_equal(state_dict, name, entry)
        else:
            here = entry.here + name.removeprefix(entry.there)
            out[here], rest = _converted(values, entry, name)
            sources[here] = name
            if rest is not None:
                kept[name] = rest
    refuse_left_over(left_over)
    count_batches(out, sources)
    return ConvertedWeights(out, sources, kept)


def _converted(
    values: Tensor, rule: Rule, name: str
) -> tuple[Tensor, Tensor | None]:
    """The values of a weight here, and what is left out of them."""
    try:
        return rule.operation.forward(values), rule.operation.rest(values)
    except (RuntimeError, IndexError) as error:
        raise ValueError(
            f'{name} has shape {tuple(values.shape)}, of which no {rule.here} '
            'can be made'
        ) from error


def revert(
    state_dict: Mapping[str, Tensor], kind: str, kept: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """Undo :func:`convert`.

    Args:
        state_dict: Weights under our names.
        kind: A key of ``KINDS``.
        kept: What :func:`convert` kept for the way back; may be empty.

    Returns:
        The weights under their names, and the names of those of which a part
        was not kept, and is zero.

    Raises:
        ValueError: If a weight has no name there.
    """
    rules, _, duplicates = entries_of(kind)
    out, zero, left_over = {}, [], []
    for name, values in state_dict.items():
        if name == COUNTS:
            continue
        rule = longest(name, rules, 'here')
        if rule is None:
            left_over.append(f'{name} {tuple(values.shape)}')
            continue
        there = rule.there + name.removeprefix(rule.here)
        if there.startswith(UNCOUNTED) and name.endswith(COUNTER):
            continue
        out[there], is_whole = rule.operation.backward(values, kept.get(there))
        if not is_whole:
            zero.append(there)
    if left_over:
        raise ValueError(
            f'{len(left_over)} of its weights have no name in a {kind} '
            'checkpoint of Scene-Graph-Benchmark:\n  ' + '\n  '.join(left_over)
        )
    for duplicate in duplicates:
        for name in [n for n in out if n.startswith(duplicate.of)]:
            copy = duplicate.there + name.removeprefix(duplicate.of)
            out[copy] = out[name]
    return out | {k: v for k, v in kept.items() if k not in out}, zero


def entries_of(
    kind: str,
) -> tuple[list[Rule], list[Unused], list[Duplicate]]:
    """List what holds for the names of a kind, its detector included."""
    entry = KINDS[kind]
    if kind == 'detector':
        return [*entry.rules], [*entry.unused], [*entry.duplicates]
    rules = [
        rule._replace(here=part + rule.here)
        for part, of in (('detector.', DETECTOR), ('relation_head.', entry))
        for rule in of.rules
    ]
    unused = [*DETECTOR.unused, *entry.unused]
    return rules, unused, [*entry.duplicates]


def longest(name: str, entries: Iterable[Entry], side: str) -> Entry | None:
    """Find the entry with the longest prefix of a name, on one side."""
    fitting = [e for e in entries if name.startswith(getattr(e, side))]
    return max(fitting, key=lambda e: len(getattr(e, side)), default=None)


def _demand_equal(
    state_dict: Mapping[str, Tensor], name: str, entry: Duplicate
) -> None:
    """Make sure that a duplicate is one."""
    of = entry.of + name.removeprefix(entry.there)
    if of not in state_dict or not torch.equal(
        state_dict[of], state_dict[name]
    ):
        raise ValueError(f'{name} is to be equal to {of}, and is not')
