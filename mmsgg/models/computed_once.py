"""Methods that run once where several parts of a step need their result."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def computed_once(module: nn.Module, name: str) -> Iterator[None]:
    """Let a method of a module remember its result for the last argument.

    Inside the context, a call with the very object of the call before returns
    the same result, with its graph: nothing runs twice, and running
    statistics move once.

    Args:
        module: The module.
        name: A method of it that takes one argument, such as 'forward'.
    """
    method = getattr(module, name)
    last: tuple[Any, Any] | None = None

    def once(argument: Any) -> Any:
        nonlocal last
        if last is None or last[0] is not argument:
            last = argument, method(argument)
        return last[1]

    setattr(module, name, once)
    try:
        yield
    finally:
        delattr(module, name)  # the method of the class is back
