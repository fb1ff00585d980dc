"""Write the JSON that :class:`SceneGraphJsonDataset` reads."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .scene_graph_arrays import SceneGraphArrays


def write_scene_graph_json(
    path: str | Path,
    graphs: SceneGraphArrays,
    classes: Sequence[str],
    predicates: Sequence[str],
) -> None:
    """Write what :class:`SceneGraphJsonDataset` reads.

    Args:
        path: The file to write.
        graphs: Without ``file_names``, images are called ``<img_id>.jpg``.
        classes: Names in the order of the labels; ids count from 1.
        predicates: Likewise.
    """
    lists = dict(
        images=_images(graphs),
        categories=_numbered(classes),
        annotations=_annotations(graphs),
        predicates=_numbered(predicates),
        relations=_relations(graphs),
    )
    Path(path).write_text(json.dumps(lists))


def _images(graphs: SceneGraphArrays) -> list[dict]:
    ids = graphs.img_ids.tolist()
    names = [graphs.file_name(image) for image in range(len(graphs))]
    sizes = zip(graphs.widths.tolist(), graphs.heights.tolist(), strict=True)
    return [
        dict(id=i, file_name=name, width=width, height=height)
        for i, name, (width, height) in zip(ids, names, sizes, strict=True)
    ]


def _annotations(graphs: SceneGraphArrays) -> list[dict]:
    entries = _boxes(graphs, first_id=1, iscrowd=0)
    if graphs.ignored is not None:
        entries += _boxes(graphs.ignored, len(entries) + 1, iscrowd=1)
    return entries


def _boxes(
    graphs: SceneGraphArrays, first_id: int, iscrowd: int
) -> list[dict]:
    # float64, or width and height would not lead back to the same corners
    top_left, bottom_right = np.hsplit(graphs.boxes.astype(np.float64), 2)
    boxes = np.hstack([top_left, bottom_right - top_left]).tolist()
    img_ids = np.repeat(graphs.img_ids, graphs.box_counts).tolist()
    labels = graphs.labels.tolist()
    return [
        dict(
            id=k,
            image_id=image_id,
            category_id=label + 1,
            bbox=box,
            area=box[2] * box[3],
            iscrowd=iscrowd,
        )
        for k, (image_id, label, box) in enumerate(
            zip(img_ids, labels, boxes, strict=True), start=first_id
        )
    ]


def _relations(graphs: SceneGraphArrays) -> list[dict]:
    img_ids = np.repeat(graphs.img_ids, graphs.relation_counts).tolist()
    ids = np.column_stack([graphs.global_pairs(), graphs.predicates]) + 1
    return [
        dict(
            image_id=image_id,
            subject_id=subject,
            object_id=obj,
            predicate_id=predicate,
        )
        for image_id, (subject, obj, predicate) in zip(
            img_ids, ids.tolist(), strict=True
        )
    ]


def _numbered(names: Sequence[str]) -> list[dict]:
    return [dict(id=k, name=name) for k, name in enumerate(names, start=1)]
