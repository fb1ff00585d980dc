"""Attributes that change for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def overridden(target: Any, **values: Any) -> Iterator[None]:
    """Set attributes, and set them back at the end, come what may.

    Args:
        target: The object that has them.
        **values: New values; None leaves an attribute as it is.

    Examples:
        >>> from types import SimpleNamespace
        >>> model = SimpleNamespace(task='sgdet')
        >>> with overridden(model, task='sgcls'):
        ...     model.task
        'sgcls'
        >>> model.task
        'sgdet'
    """
    values = {key: v for key, v in values.items() if v is not None}
    before = {key: getattr(target, key) for key in values}
    try:
        for key, value in values.items():
            setattr(target, key, value)
        yield
    finally:
        for key, value in before.items():
            setattr(target, key, value)
