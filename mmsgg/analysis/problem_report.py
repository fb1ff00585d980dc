"""What a check found, counted by kind, with a few examples each."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .problem_kinds import PROBLEM_KINDS


class ProblemReport:
    """Collects problems; of a million of a kind it keeps a few examples.

    Args:
        max_examples: How many examples of each kind to keep.

    Attributes:
        counts: How often each kind was found.
        examples: Its first examples, each with file and index.
        sizes: One row [data set, images, with relations, boxes, relations]
            for each data set that opened.
        notes: What was left out, and why.

    Examples:
        >>> report = ProblemReport(max_examples=1)
        >>> report.add('duplicate box', [3, 8], lambda row: f'row {row}')
        >>> report.counts, report.examples
        ({'duplicate box': 2}, {'duplicate box': ['row 3']})
        >>> report.num_errors
        0
    """

    def __init__(self, max_examples: int = 5) -> None:
        self.max_examples = max_examples
        self.counts: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}
        self.sizes: list[tuple[str, int, int, int, int]] = []
        self.notes: list[str] = []

    def add(
        self,
        kind: str,
        rows: Sequence[int] | np.ndarray,
        describe: Callable[[int], str],
    ) -> None:
        """Count problems of one kind.

        Args:
            kind: One of ``PROBLEM_KINDS``.
            rows: Where they are, in whatever ``describe`` understands.
            describe: Names file, index and what is wrong; called for the
                examples only.
        """
        if kind not in PROBLEM_KINDS:
            raise KeyError(f'{kind!r} is no kind of problem')
        if len(rows) == 0:
            return
        self.counts[kind] = self.counts.get(kind, 0) + len(rows)
        examples = self.examples.setdefault(kind, [])
        room = max(self.max_examples - len(examples), 0)
        examples += [describe(int(row)) for row in rows[:room]]

    def add_one(self, kind: str, what: str) -> None:
        """Count a single problem.

        Args:
            kind: One of ``PROBLEM_KINDS``.
            what: File, index and what is wrong.
        """
        self.add(kind, [0], lambda _: what)

    @property
    def num_errors(self) -> int:
        """How many of the problems are errors."""
        return self._total(is_error=True)

    @property
    def num_warnings(self) -> int:
        """How many of the problems are warnings."""
        return self._total(is_error=False)

    def _total(self, is_error: bool) -> int:
        return sum(
            count
            for kind, count in self.counts.items()
            if PROBLEM_KINDS[kind].is_error == is_error
        )

    def __str__(self) -> str:
        """Lay out sizes, examples and the summary."""
        heads = ('data set', 'images', 'with relations', 'boxes', 'relations')
        parts = [text_table(heads, self.sizes), *self._details()]
        rows = [
            (kind, _severity(kind), self.counts[kind]) for kind in self._kinds
        ]
        if rows:
            parts.append(text_table(('problem', 'severity', 'count'), rows))
        if self.notes:
            parts.append('\n'.join(f'note: {note}' for note in self.notes))
        parts.append(
            f'{self.num_errors} errors, {self.num_warnings} warnings'
            + (': mend the errors before training' * bool(self.num_errors))
        )
        return '\n\n'.join(parts)

    @property
    def _kinds(self) -> list[str]:
        """The kinds that were found, errors first."""
        return [kind for kind in PROBLEM_KINDS if kind in self.counts]

    def _details(self) -> Iterable[str]:
        """One paragraph a kind."""
        for kind in self._kinds:
            lines = [f'{_severity(kind)}: {kind} ({self.counts[kind]})']
            lines += [f'  {example}' for example in self.examples[kind]]
            more = self.counts[kind] - len(self.examples[kind])
            if more:
                lines.append(f'  ... and {more} more')
            lines.append(f'  mend: {PROBLEM_KINDS[kind].mend}')
            yield '\n'.join(lines)


def _severity(kind: str) -> str:
    return 'ERROR' if PROBLEM_KINDS[kind].is_error else 'warning'


def text_table(heads: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Lay out a table as plain text, numbers to the right.

    Args:
        heads: The names of the columns.
        rows: Strings, integers and floats (written with three decimals).

    Examples:
        >>> print(text_table(('name', 'count'), [('on', 12), ('near', 3)]))
        name  count
        on       12
        near      3
    """
    columns = []
    for column, head in enumerate(heads):
        values = [row[column] for row in rows]
        cells = [_cell(value) for value in (head, *values)]
        width = max(map(len, cells))
        left = any(isinstance(value, str) for value in values)
        columns.append(
            [
                cell.ljust(width) if left else cell.rjust(width)
                for cell in cells
            ]
        )
    lines = zip(*columns, strict=True)
    return '\n'.join('  '.join(line).rstrip() for line in lines)


def _cell(value: str | int | float) -> str:
    return f'{value:.3f}' if isinstance(value, float) else str(value)
