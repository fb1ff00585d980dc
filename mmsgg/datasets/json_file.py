"""Read a JSON file, and say what to do where that does not work."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


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
        remedy = (
            'it holds an object a line (JSON lines): write one JSON value'
            if _has_json_lines(path)
            else 'it is probably an incomplete download: fetch it again'
        )
        raise ValueError(
            f'{what} {path} is not JSON ({error}); {remedy}'
        ) from error


def _has_json_lines(path: str) -> bool:
    """Whether each of the first two lines is JSON by itself."""
    with Path(path).open('rb') as file:
        try:
            for _ in range(2):
                json.loads(file.readline())
        except ValueError:
            return False
    return True


def whole_number(value: object) -> int | None:
    """Return an integer, for a float such as 128.0 too; None for others.

    Examples:
        >>> [whole_number(v) for v in (7, 128.0, 7.5, True, '7')]
        [7, 128, None, None, None]
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def whole_numbers(values: Any) -> np.ndarray:
    """Turn numbers of a file into int64.

    Args:
        values: Numbers, lists or an array of them.

    Raises:
        TypeError: If some are no numbers.
        ValueError: If some have a fraction, or lengths differ.

    Examples:
        >>> whole_numbers([[1, 2.0]]).tolist()
        [[1, 2]]
    """
    array = np.array(values)
    if array.dtype.kind not in 'iufb' and array.size:
        raise TypeError(f'{array.flat[0]!r} is no number')
    # what is not finite is caught by the comparison
    with np.errstate(invalid='ignore'):
        whole = array.astype(np.int64)
    wrong = array[whole != array]
    if len(wrong):
        raise ValueError(f'{wrong[0]} is no whole number')
    return whole


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


def name_lists(
    path: str, content: Any, *keys: str, where_from: str
) -> list[tuple[str, ...]]:
    """Take the lists of names from the content of a file.

    Args:
        path: What the message calls the file.
        content: A dict, if all is well.
        *keys: Those of the lists.
        where_from: What to do where there is no such list.

    Raises:
        ValueError: If one is missing or has something else than names.
    """
    lists = []
    for key in keys:
        names = content.get(key) if isinstance(content, dict) else None
        if not isinstance(names, list) or not all(
            isinstance(name, str) for name in names
        ):
            raise ValueError(
                f'{path} has no list of names {key!r}; {where_from}'
            )
        lists.append(tuple(names))
    return lists
