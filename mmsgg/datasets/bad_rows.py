"""What a reader does about rows of a file that it cannot use."""

from collections.abc import Callable, Sequence

import numpy as np

from .scene_graph_arrays import SceneGraphArrays


class BadRows:
    """Refuses the first bad row of a file, or counts all that are dropped.

    Args:
        drop: Whether readers leave bad rows out; else the first is an error.
        max_examples: How many of each kind to describe.

    Attributes:
        counts: How many of each kind were left out.
        examples: The first of each kind, in the words of the error.

    Examples:
        >>> rows = BadRows(drop=True, max_examples=1)
        >>> rows.add('bad boxes', [4, 7], lambda row: f'row {row} is empty')
        >>> rows.counts, rows.examples
        ({'bad boxes': 2}, {'bad boxes': ['row 4 is empty']})
        >>> BadRows().add('bad boxes', [4], lambda row: f'row {row} is empty')
        Traceback (most recent call last):
        ...
        ValueError: row 4 is empty; bad_rows='drop' leaves out such rows (1)
    """

    def __init__(self, drop: bool = False, max_examples: int = 0) -> None:
        self.drop = drop
        self.max_examples = max_examples
        self.counts: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}

    def add(
        self,
        kind: str,
        rows: Sequence[int] | np.ndarray,
        describe: Callable[[int], str],
    ) -> None:
        """Take note of bad rows, which the caller leaves out.

        Args:
            kind: What the log calls them, in the plural.
            rows: Where they are, in whatever ``describe`` understands.
            describe: Says file, row, what is wrong and what to do.

        Raises:
            ValueError: If there are any and they are not to be dropped.
        """
        if not len(rows):
            return
        if not self.drop:
            raise ValueError(
                f"{describe(int(rows[0]))}; bad_rows='drop' leaves out such "
                f'rows ({len(rows)})'
            )
        self.counts[kind] = self.counts.get(kind, 0) + len(rows)
        examples = self.examples.setdefault(kind, [])
        room = max(self.max_examples - len(examples), 0)
        examples += [describe(int(row)) for row in rows[:room]]

    def leave_out(
        self,
        graphs: SceneGraphArrays,
        good_boxes: np.ndarray,
        good_relations: np.ndarray,
    ) -> SceneGraphArrays:
        """Leave out boxes and relations, and relations that such a box has.

        Args:
            graphs: Where a relation is bad, its pair may be any.
            good_boxes: (B,) bool.
            good_relations: (R,) bool.
        """
        if good_boxes.all() and good_relations.all():
            return graphs
        graphs = graphs.keep_relations(good_relations)
        kept = graphs.keep_boxes(good_boxes)
        lost = len(graphs.pairs) - len(kept.pairs)
        if lost:
            self.counts['relations of bad boxes'] = lost
        return kept
