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
    with the rows of each record; the rest is JSON in ``header``.

    Args:
        path: The file to write; its folder is made.
        records: Dicts of one form. What is a dict in them holds arrays that
            agree in their rows; the rest is numbers, strings and lists.

    Raises:
        ValueError: If the records differ in their names.
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
                parts = [record[group] for record in records]
                for name in names:
                    arrays = [np.asarray(part[name]) for part in parts]
                    _write_array(file, f'{group}.{name}', _joined(arrays))
                lengths = [len(part[names[0]]) for part in parts]
                _write_array(
                    file, f'{group}.length', np.array(lengths, np.int64)
                )
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
                    return list(_records(arrays))
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
    groups: dict[str, list[str]] = {}
    for record in records:
        found = {k: [*v] for k, v in record.items() if isinstance(v, dict)}
        if groups and found != groups:
            raise ValueError(f'one record has {groups}, another {found}')
        groups = found
    return groups


def _plain_number(value: Any) -> Any:
    """A number of numpy or torch as JSON takes it."""
    return value.item() if hasattr(value, 'item') else str(value)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays, one behind the other; empty ones may lack columns."""
    rows = [array for array in arrays if len(array)]
    return np.concatenate(rows) if rows else arrays[0]


def _write_array(file: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with file.open(f'{name}.npy', 'w', force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _records(arrays: Any) -> Iterator[dict]:
    """Take the records apart."""
    header = json.loads(arrays['header'].tobytes())
    if header['format'] != _FORMAT or header['version'] != 1:
        raise ValueError('its header is of another program or version')
    parts = {}
    for group, names in header['groups'].items():
        ends = np.cumsum(arrays[f'{group}.length'])
        for name in names:
            rows = arrays[f'{group}.{name}']
            if len(rows) != (ends[-1] if len(ends) else 0):
                raise ValueError(f'{group}.{name} has another length')
            parts[group, name] = np.split(rows, ends[:-1])
    for i, record in enumerate(header['records']):
        for group, names in header['groups'].items():
            record[group] = {name: parts[group, name][i] for name in names}
        yield record
