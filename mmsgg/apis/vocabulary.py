"""The names of a model's classes and predicates."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config

from mmsgg.datasets import VG150_CLASSES, VG150_PREDICATES
from mmsgg.registry import DATASETS

KINDS = dict(classes='class', predicates='predicate')


def find_vocabulary(
    sizes: Mapping[str, int],
    checkpoint: Mapping[str, Any],
    dataset: Mapping[str, Any],
) -> dict[str, Any]:
    """Find the names where they are written down.

    mmengine saves the meta data of the training set in every checkpoint.
    Where a checkpoint has none, the config's test set may say them; else 150
    classes and 50 predicates are taken for those of VG150, and others are
    numbered.

    Args:
        sizes: How many ``classes`` and ``predicates`` the model has.
        checkpoint: ``dataset_meta`` of the checkpoint, maybe empty.
        dataset: Meta data of the config's test set, maybe empty.

    Returns:
        The meta data, with ``classes`` and ``predicates``.

    Raises:
        ValueError: Where the checkpoint has names for another number of
            classes or predicates than the model has.
    """
    for key in KINDS:
        names = checkpoint.get(key)
        if names is not None and len(names) != sizes[key]:
            raise ValueError(
                f'the checkpoint names {len(names)} {key}, but the model of '
                f'the config has {sizes[key]}: the checkpoint is of another '
                f'config, or num_{key} in it is wrong'
            )
    if all(checkpoint.get(key) for key in KINDS):
        return dict(checkpoint)
    if all(len(dataset.get(key) or ()) == sizes[key] for key in KINDS):
        return dict(dataset)
    if sizes == dict(classes=150, predicates=50):
        warnings.warn(
            'the checkpoint does not name its classes; with 150 classes and '
            '50 predicates it is taken for one of VG150',
            stacklevel=2,
        )
        return dict(classes=VG150_CLASSES, predicates=VG150_PREDICATES)
    warnings.warn(
        'the checkpoint does not name its classes, they are numbered',
        stacklevel=2,
    )
    return {
        key: tuple(f'{kind} {number}' for number in range(sizes[key]))
        for key, kind in KINDS.items()
    }


def metainfo_of(cfg: Config) -> dict[str, Any]:
    """What a config's test set says of itself, without opening it.

    Args:
        cfg: A whole config.

    Returns:
        The ``METAINFO`` of its class, with the ``metainfo`` of the config.
    """
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    kind = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    return getattr(kind, 'METAINFO', {}) | (dataset.get('metainfo') or {})


def numbers_of(
    wanted: Iterable[str | int] | None,
    names: Sequence[str],
    kind: str = 'class',
) -> list[int] | None:
    """Turn names into their numbers; numbers are checked.

    Args:
        wanted: Names or numbers from 0; None stays None.
        names: The vocabulary.
        kind: What they are, for messages.

    Returns:
        The numbers, in the order given.

    Raises:
        ValueError: On unknown ones; the message has the nearest names.

    Examples:
        >>> numbers_of(['hat', 0], ['man', 'hat'])
        [1, 0]
    """
    if wanted is None:
        return None
    if isinstance(wanted, str):
        wanted = [wanted]
    known = {name: number for number, name in enumerate(names)}
    wanted, numbers = list(wanted), []
    unknown = {item for item in wanted if isinstance(item, str)} - {*known}
    if unknown:
        raise ValueError(
            ', '.join(_unknown(name, names, kind) for name in sorted(unknown))
        )
    for item in wanted:
        if isinstance(item, str):
            numbers.append(known[item])
        else:
            number = int(item)
            if number != item or not 0 <= number < len(names):
                raise ValueError(
                    f'there is no {kind} {item}: they are numbered from 0 to '
                    f'{len(names) - 1}'
                )
            numbers.append(number)
    return numbers


def _unknown(name: str, names: Sequence[str], kind: str) -> str:
    """Say what comes near a name that is not there."""
    near = get_close_matches(name.lower(), names)
    hint = f'near it: {", ".join(near)}' if near else f'such as {names[0]}'
    return f"unknown {kind} '{name}'; {hint}"
