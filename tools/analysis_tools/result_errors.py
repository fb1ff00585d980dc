"""How a tool stops that cannot use a file of results."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_naming(path: str) -> Iterator[None]:
    """Turn a ValueError into the last words of a command, with the file.

    Args:
        path: Of the file of results.

    Raises:
        SystemExit: In place of a ValueError.
    """
    try:
        yield
    except ValueError as error:
        message = str(error)
        if path not in message:
            message = f'{path}: {message}'
        raise SystemExit(message) from error
