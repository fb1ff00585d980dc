"""Records of many images in one file, read and written without code."""

import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import restricted_pickle

_FORMAT = 'mmsgg-records'


def write_records(path: str | Path, records: Sequence[dict]) -> None:
    """Write records as ``.npz``, whole or not at all.

    The arrays of one name lie one behind the other, beside ``NAME.length``
    with the rows of each record, -1 where it has no such array; the rest is
    JSON in ``header``.

    Args:
        path: The file to write; its folder is made.
        records: Dicts. What is a dict in them holds arrays; the rest is
            numbers, strings and lists.

    Raises:
        ValueError: If an array holds objects, or has another form than those
            of its name in other records.
    """
    path = Path(path)
    groups = _groups(records)
    rest = [
        {key: value for key, value in record.items() if key not in groups}
        for record in records
    ]
    header = dict(format=_FORMAT, version=1, groups=groups, records=rest)
    text = json.dumps(header, default=_plain_number).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    try:
        with zipfile.ZipFile(part, 'w') as file:
            _write_array(file, 'header', np.frombuffer(text, np.uint8))
            for group, names in groups.items():
                for name in names:
                    found = [r.get(group, {}).get(name) for r in records]
                    _write_column(file, f'{group}.{name}', found)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_records(path: str | Path) -> Any:
    """Read what :func:`write_records` wrote, or a pickle of data.

    Args:
        path: The file; it is told by its content.

    Returns:
        The records. What a pickle holds, whatever that is: numbers, strings,
        containers, arrays and tensors.

    Raises:
        ValueError: If the file is missing, broken or holds more than data;
            the message names it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file '{path}'")
    with path.open('rb') as file:
        is_zip = file.read(4) == b'PK\x03\x04'
        file.seek(0)
        try:
            if is_zip:
                with np.load(file, allow_pickle=False) as arrays:
                    return _records(arrays)
            return restricted_pickle.load(file)
        except MemoryError:
            raise
        except restricted_pickle.NotDataError as error:
            raise ValueError(
                f"'{path}' is refused because it can run code ({error}); "
                f'write it anew'
            ) from error
        except Exception as error:  # a broken file may raise nearly anything
            kind = 'an npz file' if is_zip else 'a pickle'
            raise ValueError(
                f"'{path}' cannot be read as {kind}; was it cut off, or is it "
                f'another kind of file? ({type(error).__name__}: {error})'
            ) from error


def _groups(records: Sequence[dict]) -> dict[str, list[str]]:
    """The names of the arrays in each dict of the records."""
    groups: dict[str, dict[str, None]] = {}
    for record in records:
        for key, value in record.items():
            if isinstance(value, dict):
                groups.setdefault(key, {}).update(dict.fromkeys(value))
    return {group: list(names) for group, names in groups.items()}


def _plain_number(value: Any) -> Any:
    """A number of numpy or torch as JSON takes it."""
    return value.item() if hasattr(value, 'item') else str(value)


def _write_column(
    file: zipfile.ZipFile, name: str, found: Sequence[Any]
) -> None:
    """Write the arrays of one name; None where a record has it not."""
    arrays = [np.asarray(value) for value in found if value is not None]
    # empty ones may lack columns
    filled = [array for array in arrays if len(array)] or arrays[:1]
    _write_array(file, name, np.concatenate(filled))
    lengths = [-1 if value is None else len(value) for value in found]
    _write_array(file, f'{name}.length', np.array(lengths, np.int64))


def _write_array(file: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with file.open(f'{name}.npy', 'w', force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _records(arrays: Any) -> list[dict]:
    """Take the records apart."""
    header = json.loads(arrays['header'].tobytes())
    if header['format'] != _FORMAT or header['version'] != 1:
        raise ValueError('its header is of another program or version')
    records = header['records']
    for group, names in header['groups'].items():
        for name in names:
            for record, rows in zip(
                records, _rows(arrays, f'{group}.{name}'), strict=True
            ):
                if rows is not None:
                    record.setdefault(group, {})[name] = rows
    return records


def _rows(arrays: Any, name: str) -> Iterator[np.ndarray | None]:
    """The rows of each record, None where it has none."""
    joined, lengths = arrays[name], arrays[f'{name}.length']
    if len(joined) != lengths[lengths > 0].sum():
        raise ValueError(f'{name} has another length')
    start = 0
    for length in lengths.tolist():
        stop = start + max(length, 0)
        yield None if length < 0 else joined[start:stop]
        start = stop
