"""Whether names and numbers of classes and predicates agree."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from torch import nn

KINDS = ('classes', 'predicates')
# their num_classes is of something else than the objects
OTHER_PARTS = {'backbone', 'neck', 'rpn_head', 'semantic_head'}

Names = dict[str, Sequence[str]]


def names_in(meta: Mapping[str, Any] | None) -> Names:
    """The names of classes and predicates, as far as meta data have them.

    Args:
        meta: ``metainfo`` of a data set, or ``dataset_meta`` of a checkpoint,
            which mmdet once wrote in capitals.
    """
    lower = {key.lower(): value for key, value in (meta or {}).items()}
    return {key: lower[key] for key in KINDS if lower.get(key)}


def first_difference(
    names: Names, where: str, others: Names, other_where: str
) -> str:
    """Say which entry is the first to differ, of what both have names for.

    Args:
        names: Of :func:`names_in`.
        where: What they are the names of, for the message.
        others: As ``names``.
        other_where: As ``where``.

    Returns:
        A clause; empty where all agree.

    Examples:
        >>> first_difference(
        ...     dict(classes=['cat', 'mat']), 'the checkpoint',
        ...     dict(classes=['cat', 'hat']), 'the test set')
        "classes[1] is 'mat' in the checkpoint, 'hat' in the test set"
    """
    for kind in KINDS:
        if kind not in names or kind not in others:
            continue
        pairs = zip_longest(names[kind], others[kind])
        for number, (one, other) in enumerate(pairs):
            if one != other:
                return (
                    f'{kind}[{number}] is {_quoted(one)} in {where}, '
                    f'{_quoted(other)} in {other_where}'
                )
    return ''


def _quoted(name: str | None) -> str:
    return 'missing' if name is None else repr(name)


def check_sizes(model: nn.Module, names: Names, where: str) -> None:
    """Compare the sizes of a model with a data set.

    Args:
        model: A detector, or one with a relation head.
        names: Of :func:`names_in`.
        where: What they are the names of, for the message.

    Raises:
        ValueError: On the first ``num_classes`` or ``num_predicates`` that is
            not the number of names.
    """
    for part, kind, size in _sizes_of(model):
        if kind in names and size != len(names[kind]):
            raise ValueError(
                f'model.{part} is {size}, but {where} has '
                f'{len(names[kind])} {kind}; set it in the config'
            )


def _sizes_of(model: nn.Module) -> Iterator[tuple[str, str, int]]:
    """Yield where a model has a size, what it counts, and the size."""
    detector: Any = model
    prefix = []
    head: Any = getattr(model, 'relation_head', None)
    if head is not None:
        for kind in KINDS:
            size = getattr(head, f'num_{kind}', None)
            if size is not None:
                yield f'relation_head.num_{kind}', kind, size
        detector, prefix = detector_of_classes(model), ['detector']
    if detector is None:
        return
    for name, module in detector.named_modules():
        size = getattr(module, 'num_classes', None)
        if isinstance(size, int) and OTHER_PARTS.isdisjoint(name.split('.')):
            where = [*prefix, *filter(None, [name]), 'num_classes']
            yield '.'.join(where), 'classes', size


def detector_of_classes(model: nn.Module) -> nn.Module | None:
    """The detector inside a model whose classes those of the objects are."""
    source: Any = getattr(model, 'object_source', None)
    uses_classes = source is not None and source.uses_classes
    return model.detector if uses_classes else None  # type: ignore[return-value]
