"""Start the word tables of a relation head from word vectors."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import BaseLoop, Runner
from torch import Tensor

from mmsgg.engine.bare_model import bare_model
from mmsgg.registry import HOOKS

WORD_TABLES = ('object_embedding', 'edge_embedding')
PREDICATE_TABLE = 'predicate_embedding'


def read_word_vectors(
    path: str | Path, words: Iterable[str]
) -> dict[str, np.ndarray]:
    """Read the vectors of some words out of a GloVe text file.

    Args:
        path: Text file, on each line a word and its numbers.
        words: Words to look for.

    Returns:
        The vectors of those that are there, each (D,) float32.

    Raises:
        FileNotFoundError: If the file is not there; nothing is downloaded.
        ValueError: If a line is no word with numbers, naming it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'Word vectors: no file {path}. Get a GloVe file such as '
            f'glove.6B.200d.txt and set path of WordVectorHook to it, or '
            f'take the hook out to learn the tables from scratch'
        )
    wanted = set(words)
    vectors = {}
    with path.open(encoding='utf-8') as file:
        for number, line in enumerate(file, start=1):
            word, _, rest = line.rstrip().partition(' ')
            if word not in wanted:
                continue
            try:
                vectors[word] = np.array(rest.split(), dtype=np.float32)
            except ValueError as error:
                raise ValueError(
                    f'Word vectors: line {number} of {path} is no word '
                    f'followed by numbers; is it a GloVe text file?'
                ) from error
    return vectors


@HOOKS.register_module()
class WordVectorHook(Hook):
    """Fill the word tables of a relation head (LinkNet's K0 and K1).

    A head with a ``predicate_embedding`` (PE-Net) gets the words of the
    predicates there. A name of several words ('traffic light') gets their
    mean; one of which no word is known keeps its random vector and is named
    in the log. Background starts at random. Weights that are loaded
    afterwards win.

    Args:
        path: GloVe text file of the tables' width, or None to let them start
            at random.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path

    def before_run(self, runner: Runner) -> None:
        """Fill the tables, in training only."""
        if self.path is None or not isinstance(runner._train_loop, BaseLoop):
            return
        model = bare_model(runner.model)
        meta = runner.train_dataloader.dataset.metainfo
        self.fill(model.relation_head, meta['classes'], meta['predicates'])

    def fill(
        self,
        head: torch.nn.Module,
        classes: Iterable[str],
        predicates: Iterable[str] = (),
    ) -> None:
        """Fill the rows of ``object_embedding`` and ``edge_embedding``.

        And those of ``predicate_embedding``, if there is one.

        Raises:
            TypeError: If the head has no such tables.
            ValueError: If they have another width than the vectors.
        """
        missing_tables = [n for n in WORD_TABLES if not hasattr(head, n)]
        if missing_tables:
            raise TypeError(
                f'WordVectorHook: {type(head).__name__} has no word tables '
                f'{" and ".join(WORD_TABLES)}; take the hook out of '
                f'custom_hooks'
            )
        tables = [getattr(head, name).weight for name in WORD_TABLES]
        missing = self._fill_rows(tables, classes)
        if hasattr(head, PREDICATE_TABLE):
            table = getattr(head, PREDICATE_TABLE).weight
            missing += self._fill_rows([table], predicates)
        if missing:
            MMLogger.get_current_instance().warning(
                f'Word vectors: {self.path} knows nothing of '
                f'{", ".join(missing)}; these start at random'
            )

    @torch.no_grad()
    def _fill_rows(
        self, tables: list[Tensor], words_of_rows: Iterable[str]
    ) -> list[str]:
        """Fill tables by a name a row; returns the names without a vector."""
        names = [n.lower().replace('-', ' ').split() for n in words_of_rows]
        path = self.path or ''
        vectors = read_word_vectors(path, {w for n in names for w in n})
        width = tables[0].shape[1]
        missing = []
        for row, words in enumerate(names):
            known = [vectors[word] for word in words if word in vectors]
            if not known:
                missing.append(' '.join(words))
                continue
            if len(known[0]) != width:
                raise ValueError(
                    f'Word vectors: {self.path} holds vectors of '
                    f'{len(known[0])} numbers, the head needs {width}; set '
                    f'relation_head.embed_channels to {len(known[0])} or '
                    f'take another file'
                )
            vector = torch.as_tensor(np.mean(known, axis=0))
            for table in tables:
                table[row] = vector
        return missing
