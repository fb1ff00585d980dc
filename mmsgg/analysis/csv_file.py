"""Tables as files."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_csv(
    path: Path, heads: Sequence[str], rows: Iterable[Sequence]
) -> None:
    """Write a table.

    Args:
        path: The file to write.
        heads: The names of the columns.
        rows: The cells of each row.
    """
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(rows)
