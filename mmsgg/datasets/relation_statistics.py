"""Count which predicates a data set puts between which classes."""

import os.path as osp
from typing import Any

import numpy as np
from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    ConcatDataset,
    RepeatDataset,
)

from mmsgg.structures.bbox import boxes_overlap

from .image_list_dataset import ImageEntry, as_arrays, join_entries
from .scene_graph_arrays import SceneGraphArrays


def count_relations(
    dataset: BaseDataset, must_overlap: bool = True
) -> np.ndarray:
    """Count predicates, and pairs without any, for all pairs of classes.

    The frequency baseline and the frequency bias are made of them. The last
    slot holds pairs without a relation only. neural-motifs'
    ``get_dataset_counts`` counts related pairs there too, and all pairs of an
    image where none overlap; its predicates are those of overlapping pairs.

    Args:
        dataset: A :class:`VG150Dataset`, or anything with ``metainfo`` and
            the ``get_data_info`` of such items (a data set or a wrapper).
        must_overlap: Whether only pairs whose boxes overlap count as
            unrelated ones. Nearly all far pairs of Visual Genome are
            unrelated and would drown the predicates.

    Returns:
        (C, C, P + 1) int64, axes [subject class, object class, predicate].
        Every relation counts, also where a pair has several, and whether or
        not its boxes overlap. The last slot counts the ordered pairs of
        different boxes that have no relation (in this direction).
    """
    return count_in_graphs(
        scene_graphs_of(dataset),
        len(dataset.metainfo['classes']),
        len(dataset.metainfo['predicates']),
        must_overlap,
    )


def count_in_graphs(
    graphs: SceneGraphArrays,
    num_classes: int,
    num_predicates: int,
    must_overlap: bool = True,
) -> np.ndarray:
    """Count as :func:`count_relations`, over graphs alone."""
    counts = count_triplets(graphs, num_classes, num_predicates + 1)
    unrelated_counts = counts[..., -1]
    for image in range(len(graphs)):
        relations = slice(*graphs.relation_starts[image : image + 2])
        rows = slice(*graphs.box_starts[image : image + 2])
        boxes, labels = graphs.boxes[rows], graphs.labels[rows]
        unrelated = ~np.eye(len(labels), dtype=bool)
        unrelated[tuple(graphs.pairs[relations].T)] = False
        if must_overlap:
            unrelated &= boxes_overlap(boxes[:, None], boxes)
        subjects, objects = np.nonzero(unrelated)
        np.add.at(unrelated_counts, (labels[subjects], labels[objects]), 1)
    return counts


def count_triplets(
    graphs: SceneGraphArrays, num_classes: int, num_predicates: int
) -> np.ndarray:
    """Count triplets, (C, C, P): classes of subject and object, predicate."""
    shape = (num_classes, num_classes, num_predicates)
    cells = np.ravel_multi_index(tuple(graphs.triplets().T), shape)
    return np.bincount(cells, minlength=np.prod(shape)).reshape(shape)


def inner_datasets(dataset: Any) -> list[BaseDataset]:
    """Look through wrappers such as RepeatDataset and ConcatDataset.

    Args:
        dataset: A data set or a wrapper of some.

    Returns:
        The data sets inside, or the data set itself.
    """
    inside = getattr(dataset, 'datasets', None)
    if inside is None and hasattr(dataset, 'dataset'):
        inside = [dataset.dataset]
    if inside is None:
        return [dataset]
    return [inner for one in inside for inner in inner_datasets(one)]


def scene_graphs_of(dataset: BaseDataset) -> SceneGraphArrays:
    """Take the arrays of a data set, or collect them item by item.

    Args:
        dataset: As in :func:`count_relations`.
    """
    if hasattr(dataset, 'scene_graphs'):
        return dataset.scene_graphs
    # items may have but one relation of each pair, drawn at random
    if isinstance(dataset, ConcatDataset):
        return SceneGraphArrays.concatenate(
            [scene_graphs_of(part) for part in dataset.datasets]
        )
    if isinstance(dataset, RepeatDataset | ClassBalancedDataset):
        images = [dataset._get_ori_dataset_idx(k) for k in range(len(dataset))]
        return scene_graphs_of(dataset.dataset).take(np.array(images, int))
    entries, ignore = [], []
    for index in range(len(dataset)):
        item = dataset.get_data_info(index)
        boxes, relations = item['instances'], item['relations']
        ignore += [bool(box.get('ignore_flag', 0)) for box in boxes]
        entry = ImageEntry(
            img_id=item['img_id'],
            file_name=osp.basename(item.get('img_path', '')),
            size=[item['width'], item['height']],
            boxes=[box['bbox'] for box in boxes],
            labels=[box['bbox_label'] for box in boxes],
            triplets=[[*r['pair'], r['predicate_label']] for r in relations],
        )
        entries.append(as_arrays(entry))
    return join_entries(entries).ignore_boxes(np.array(ignore, dtype=bool))
