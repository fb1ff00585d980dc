"""What a module does while a context lasts: inference, or nothing twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def testing(module: nn.Module | None) -> Iterator[None]:
    """Put a module into inference mode, without gradients, and back again."""
    modules = [] if module is None else [*module.modules()]
    modes = [each.training for each in modules]
    for each in modules:
        each.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for each, mode in zip(modules, modes, strict=True):
            each.training = mode


@contextmanager
def computed_once(
    module: nn.Module, name: str, convert: Callable | None = None
) -> Iterator[None]:
    """Let a method of a module remember its result for the last argument.

    Inside the context, a call with the very object of the call before returns
    the same result, with its graph: nothing runs twice, and running
    statistics move once.

    Args:
        module: The module.
        name: A method of it that takes one argument, such as 'forward'.
        convert: Applied to the result.
    """
    method = getattr(module, name)
    last: tuple[Any, Any] | None = None

    def once(argument: Any) -> Any:
        nonlocal last
        if last is None or last[0] is not argument:
            result = method(argument)
            last = argument, convert(result) if convert else result
        return last[1]

    setattr(module, name, once)
    try:
        yield
    finally:
        delattr(module, name)  # the method of the class is back
