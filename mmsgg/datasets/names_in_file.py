"""Data sets whose files name their classes and predicates."""

from typing import Any

from .scene_graph_arrays import LoadedGraphs
from .scene_graph_dataset import SceneGraphDataset


class NamesInFileDataset(SceneGraphDataset):
    """Takes classes and predicates from ``metainfo``, else from its file.

    Labels are places in ``metainfo``, which without more has the names in
    the order of the file. Where files of one data set list them differently,
    pass ``metainfo=dict(classes=[...], predicates=[...])`` to all.

    Args:
        *args: Of :class:`SceneGraphDataset`.
        merge_duplicate_relations: Whether a relation that the file lists
            several times, with the same subject, object and predicate,
            counts once.
        **kwargs: Of :class:`SceneGraphDataset`.
    """

    def __init__(
        self,
        *args: Any,
        merge_duplicate_relations: bool = False,
        **kwargs: Any,
    ) -> None:
        self.merge_duplicate_relations = merge_duplicate_relations
        super().__init__(*args, **kwargs)

    @property
    def metainfo(self) -> dict:
        """Names and whatever else was passed; reads the file for names."""
        if not {'classes', 'predicates'} <= self._metainfo.keys():
            self.full_init()
        return super().metainfo

    def load_graphs(self) -> LoadedGraphs:
        """Read the file, and merge what it repeats if asked to."""
        loaded = self.read_file()
        if not self.merge_duplicate_relations:
            return loaded
        first = loaded.graphs.first_of_repeats()
        return loaded._replace(
            graphs=loaded.graphs.keep_relations(first),
            dropped=loaded.dropped
            | {'repeated relations': int((~first).sum())},
        )

    def read_file(self) -> LoadedGraphs:
        """Read the file; sets the names that ``metainfo`` lacks."""
        raise NotImplementedError
