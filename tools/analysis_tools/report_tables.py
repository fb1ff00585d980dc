"""Tables of the analysis tools: for a log, for Markdown, and as CSV files."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from terminaltables import AsciiTable, GithubFlavoredMarkdownTable

Cell = str | int | float


def text_table(
    heads: Sequence[str], rows: Sequence[Sequence[Cell]], digits: int = 3
) -> str:
    """A table as plain text, as mmdet logs one, with numbers to the right.

    Args:
        heads: The names of the columns.
        rows: Strings, integers and floats.
        digits: Of floats, after the point; scores have 4, as in the log.

    Examples:
        >>> print(text_table(('name', 'count'), [('on', 12), ('near', 3)]))
        +------+-------+
        | name | count |
        +------+-------+
        | on   |    12 |
        | near |     3 |
        +------+-------+
    """
    cells = [
        [
            f'{value:.{digits}f}' if isinstance(value, float) else str(value)
            for value in row
        ]
        for row in rows
    ]
    table = AsciiTable([[*heads], *cells])
    table.justify_columns = {
        column: 'right'
        for column in range(len(heads))
        if not any(isinstance(row[column], str) for row in rows)
    }
    return table.table


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for Markdown, whose columns line up in a terminal, too.

    Examples:
        >>> print(markdown_table(['a', 'long'], [['wide', '1']]))
        | a    | long |
        |------|------|
        | wide | 1    |
    """
    return GithubFlavoredMarkdownTable([[*heads], *map(list, rows)]).table


def write_csv(
    path: Path, heads: Sequence[str], rows: Iterable[Sequence[Cell]]
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
