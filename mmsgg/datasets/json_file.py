"""Read a JSON file, and say what to do where that does not work."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def read_json(path: str, what: str, where_from: str) -> Any:
    """Read a whole JSON file.

    Args:
        path: Its path.
        what: What the messages call it.
        where_from: What to do where there is no such file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{what} {path} not found; {where_from}')
    try:
        return json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(
            f'{what} {path} is not JSON ({error}); it is probably an '
            'incomplete download: fetch it again'
        ) from error


def compare_names(
    where: str,
    names: Mapping[int, str],
    expected: Sequence[str],
    field: str,
    first: int = 0,
) -> None:
    """Make sure that a file numbers names as the data set does.

    Args:
        where: What the message starts with: the file, and where in it.
        names: The names of the file, by the number they have there.
        expected: The names of the data set, in order.
        field: 'classes' or 'predicates'.
        first: The number of the first of them in the file.

    Raises:
        ValueError: If a name differs.
    """
    for index in sorted({*names, *range(first, first + len(expected))}):
        label = index - first
        ours = expected[label] if 0 <= label < len(expected) else None
        theirs = names.get(index)
        if ours != theirs:
            raise ValueError(
                f'{where} gives {theirs!r} to index {index}, where '
                f'the {field} of the data set have {ours!r}; for a vocabulary '
                f'of its own pass metainfo=dict({field}=[...])'
            )
