"""What a check found, counted by kind, with a few examples each."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mmsgg.datasets.bad_rows import BadRows
from report_tables import text_table


class ProblemKind(NamedTuple):
    """What one kind of problem means."""

    is_error: bool  # whether training, or what a test says of it, suffers
    fix: str


def _error(fix: str) -> ProblemKind:
    return ProblemKind(True, fix)


def _warning(fix: str) -> ProblemKind:
    return ProblemKind(False, fix)


#: The kinds by name, in the order of a report.
PROBLEM_KINDS = {
    'unreadable data set': _error(
        'the message says what to do; until then nothing else of this data '
        'set can be checked'
    ),
    **dict.fromkeys(
        (
            'bad images',
            'bad annotations',
            'bad boxes',
            'bad relations',
            'boxes without an area',
        ),
        _error(
            "correct or remove them; bad_rows='drop' of the data set leaves "
            'them out'
        ),
    ),
    'no images in the split': _error(
        'check split, num_val and the filter_* settings of this data set'
    ),
    'vocabulary mismatch': _error(
        'pass metainfo=dict(classes=[...], predicates=[...]) in the order of '
        'the file, or the file that belongs to the config'
    ),
    'model size mismatch': _error(
        'set num_classes and num_predicates of the model to the numbers of '
        'names in the metainfo'
    ),
    'rows do not match images': _error(
        'take the annotation file and image_data.json of the same release'
    ),
    'row range broken': _error('write img_to_first_*/img_to_last_* again'),
    'image size not positive': _error(
        'correct height and width of the image in the file'
    ),
    'class out of range': _error(
        'correct the label, or name all classes in the metainfo'
    ),
    'predicate out of range': _error(
        'correct the label, or name all predicates in the metainfo'
    ),
    'pair out of range': _error(
        'let the relation point at boxes of its own image, or remove it'
    ),
    'box empty or outside': _error('correct the box, or remove it'),
    'missing image': _error(
        'fetch the file, or correct data_root, data_prefix and the folders'
    ),
    'undecodable image': _error('fetch the file again'),
    'image of another size': _error(
        'correct height and width in the annotation (boxes are in their '
        'pixels), or fetch the original file'
    ),
    'image in train and in test': _error(
        'take the image out of one split; data sets that share num_val must '
        'also share the filter_* settings'
    ),
    'same content in train and test': _warning(
        'two files of different splits are equal byte for byte; leave one out'
    ),
    'image twice in a split': _warning('remove one of the two entries'),
    'relation of a box to itself': _warning(
        'filter_self_relations=True drops these; no model predicts such a pair'
    ),
    'box reaches out of the image': _warning(
        'nothing: the box is clipped; correct it if it is far outside'
    ),
    'duplicate relation': _warning(
        'filter_duplicate_relations=True for training; the metric counts '
        'every row'
    ),
    'duplicate box': _warning(
        'remove one; relations of both boxes are then those of one'
    ),
    'name never occurs in training': _warning(
        'the model cannot learn it; leave it out, or use more images'
    ),
}


class ProblemReport(BadRows):
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
        super().__init__(drop=True, max_examples=max_examples)
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
        super().add(kind, rows, describe)

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
            + (': fix the errors before training' * bool(self.num_errors))
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
            lines.append(f'  fix: {PROBLEM_KINDS[kind].fix}')
            yield '\n'.join(lines)


def _severity(kind: str) -> str:
    return 'ERROR' if PROBLEM_KINDS[kind].is_error else 'warning'
