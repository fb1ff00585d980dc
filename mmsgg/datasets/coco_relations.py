"""A user's own scene graphs: COCO JSON with relations."""

from dataclasses import replace

import numpy as np

from mmsgg.registry import DATASETS

from .coco_relations_file import SceneGraphJsonReader
from .names_in_file import NamesInFileDataset
from .scene_graph_arrays import LoadedGraphs


@DATASETS.register_module()
class SceneGraphJsonDataset(NamesInFileDataset):
    """Scene graphs in one JSON file, made for data of one's own.

    ::

        {"images": [{"id", "file_name", "width", "height"}, ...],
         "categories": [{"id", "name"}, ...],
         "annotations": [{"id", "image_id", "category_id",
                          "bbox": [x, y, width, height]}, ...],
         "predicates": [{"id", "name"}, ...],
         "relations": [{"image_id", "subject_id", "object_id",
                        "predicate_id"}, ...]}

    The first three lists are those of COCO; ``subject_id`` and ``object_id``
    are ids of annotations. SGG-Benchmark's ``rel_categories`` and
    ``rel_annotations`` may stand for the last two. Other entries are not
    read, but for COCO's ``iscrowd`` of annotations. Images without
    annotations stay. ``file_name`` counts from ``image_folders``.

    An annotation with ``iscrowd=1`` is a region to ignore, as in mmdet: it
    stands in the items with ``ignore_flag=1``, and PackSGInputs packs it as
    ``ignored_instances``. It is no object: it is not given to a model in
    'predcls' and 'sgcls', no statistic or metric of scene graphs counts it,
    and relations that name it are dropped, and counted in the log. A detector
    trains on it as mmdet's does: its assigners spare what lies in such a
    region where their ``ignore_iof_thr`` is above 0.

    Labels are places in ``metainfo``, which without more is the order of
    ``categories`` and ``predicates`` in the file. Where files of one data set
    list them differently, pass ``metainfo=dict(classes=[...],
    predicates=[...])`` to all: names then decide. Without, a training or a
    test that would mix two orders is refused.

    Args:
        *args: Of :class:`NamesInFileDataset`.
        **kwargs: Likewise.

    Raises:
        ValueError: If the file contradicts itself or the metainfo.
        FileNotFoundError: If it is missing.
    """

    METAINFO = dict(dataset_type='SceneGraphJson')

    def read_file(self) -> LoadedGraphs:
        """Read the file."""
        reader = SceneGraphJsonReader(
            self.ann_file,
            self.bad_rows,
            allow_degenerate=self.degenerate_boxes != 'error',
            lists=self.read_lists(),
        )
        classes, predicates = (
            self._metainfo.setdefault(field, tuple(reader.names[key].values()))
            for field, key in (
                ('classes', 'categories'),
                ('predicates', 'predicates'),
            )
        )
        graphs, rows, crowds = reader.read(classes, predicates)
        loaded = self.finish(graphs, np.array(rows, int), 'annotations[{}], ')
        return _without_crowds(loaded, np.array(crowds, bool))

    def read_lists(self) -> dict[str, list] | None:
        """Make the lists of other files; None where the file has them."""
        return None


def _without_crowds(loaded: LoadedGraphs, ignore: np.ndarray) -> LoadedGraphs:
    """Set regions to ignore apart, and count relations that name one.

    Args:
        loaded: With the regions among the boxes.
        ignore: (B,) bool, which these are.
    """
    if not ignore.any():
        return loaded
    graphs = loaded.graphs
    wrong = np.isin(np.arange(len(ignore)), loaded.degenerate)
    kept = graphs.ignore_boxes(ignore)
    regions = kept.regions().keep_boxes(~wrong[ignore])
    lost = len(graphs.pairs) - len(kept.pairs)
    return LoadedGraphs(
        replace(kept, ignored=regions),
        loaded.num_clipped,
        np.flatnonzero(wrong[~ignore]),
        {'relations of a region to ignore': lost} if lost else {},
    )
