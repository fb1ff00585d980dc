"""Read a JSON file, and say what to do where that does not work."""

import json
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
