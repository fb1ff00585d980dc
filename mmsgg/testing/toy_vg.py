"""Write toy pictures in the files of VG150."""

import json
from collections import Counter
from pathlib import Path

import cv2
import h5py
import numpy as np
from mmengine.utils import track_iter_progress

from mmsgg.datasets import TOY_CLASSES, TOY_PREDICATES

from .toy_prior import Graph, label_prior_recall, recall_ceiling
from .toy_render import render
from .toy_rules import relations_of
from .toy_scene import ToyScene
from .toy_scene_sampler import ToySceneSampler

#: The real image_data.json still lists the four images it should not.
_CORRUPTED = (1592, 1722, 4616, 4617)
_FIRST_ID = 2300001
_FOLDERS = ('VG_100K', 'VG_100K_2')


def write_toy_vg(
    out_dir: str | Path,
    num_train: int = 2000,
    num_test: int = 200,
    seed: int = 0,
    image_size: int = 144,
    progress: bool = True,
) -> dict:
    """Draw a toy data set and write it as VG150 is written.

    Image ``i`` of a split depends on ``seed``, ``i`` and ``image_size`` only.
    Training and test images are mixed in the file.

    Args:
        out_dir: Made if it is not there.
        num_train: Training images, validation included.
        num_test: Test images.
        seed: Of everything drawn by lot.
        image_size: Typical longer side in pixels.
        progress: Whether to show how far it is.

    Returns:
        What :func:`statistics_of` says of it.
    """
    out_dir = Path(out_dir)
    for folder in _FOLDERS:
        (out_dir / folder).mkdir(parents=True, exist_ok=True)
    rows = [(0, i) for i in range(num_train)]
    rows += [(2, i) for i in range(num_test)]
    np.random.default_rng(seed).shuffle(rows)
    scenes = []
    for row, (split, number) in enumerate(
        track_iter_progress(rows) if progress else rows
    ):
        rng = np.random.default_rng([seed, split, number])
        scene = ToySceneSampler(rng, image_size).sample()
        name = f'{_FOLDERS[row % 2]}/{_FIRST_ID + row}.jpg'
        _write_image(out_dir / name, render(scene, rng))
        scenes.append(_shuffled(scene, rng))
    splits = np.array([split for split, _ in rows], dtype=np.int32)
    _write_h5(out_dir / 'VG-SGG.h5', scenes, splits)
    _write_image_data(out_dir / 'image_data.json', scenes)
    _write_vocabulary(out_dir / 'VG-SGG-dicts.json', scenes)
    return statistics_of(scenes, splits)


def _write_image(path: Path, image: np.ndarray) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    if not cv2.imwrite(str(path), image, quality):
        raise OSError(f'cannot write {path}')


def _shuffled(scene: ToyScene, rng: np.random.Generator) -> ToyScene:
    """Hide the drawing order, which tells who stands on whom."""
    order = rng.permutation(len(scene.objects))
    objects = tuple(scene.objects[i] for i in order)
    return ToyScene(scene.width, scene.height, scene.night, objects)


def _write_h5(path: Path, scenes: list[ToyScene], splits: np.ndarray) -> None:
    relations = [relations_of(scene) for scene in scenes]
    first_boxes, last_boxes = _ranges([len(scene.objects) for scene in scenes])
    first_rows, last_rows = _ranges([len(rows) for rows in relations])
    pairs = [
        (subject + first, target + first)
        for rows, first in zip(relations, first_boxes, strict=True)
        for subject, target, _ in rows
    ]
    predicates = [
        TOY_PREDICATES.index(name) + 1
        for rows in relations
        for *_, name in rows
    ]
    labels = [thing.rank + 1 for scene in scenes for thing in scene.objects]
    boxes = _relative_boxes(scenes)
    arrays = {
        'split': splits,
        'img_to_first_box': first_boxes,
        'img_to_last_box': last_boxes,
        'img_to_first_rel': first_rows,
        'img_to_last_rel': last_rows,
        'labels': np.array(labels, dtype=np.int64).reshape(-1, 1),
        'boxes_1024': np.rint(boxes * 1024).astype(np.int32),
        'boxes_512': np.rint(boxes * 512).astype(np.int32),
        'active_object_mask': np.ones((len(labels), 1), dtype=bool),
        'predicates': np.array(predicates, dtype=np.int64).reshape(-1, 1),
        'relationships': np.array(pairs, dtype=np.int32).reshape(-1, 2),
    }
    with h5py.File(path, 'w') as file:
        for key, array in arrays.items():
            file.create_dataset(key, data=array)


def _ranges(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Turn counts into first and last rows, both -1 where there are none."""
    counts = np.array(counts, dtype=np.int32)
    ends = np.cumsum(counts, dtype=np.int32)
    some = counts > 0
    return np.where(some, ends - counts, -1), np.where(some, ends - 1, -1)


def _relative_boxes(scenes: list[ToyScene]) -> np.ndarray:
    """Describe boxes (B, 4) by centre and size, the longer side being 1."""
    boxes = np.array(
        [
            np.array(thing.box) / max(scene.width, scene.height)
            for scene in scenes
            for thing in scene.objects
        ]
    ).reshape(-1, 4)
    top_left, bottom_right = boxes[:, :2], boxes[:, 2:]
    return np.hstack([(top_left + bottom_right) / 2, bottom_right - top_left])


def _write_image_data(path: Path, scenes: list[ToyScene]) -> None:
    images = [
        _image_entry(_FIRST_ID + row, scene.width, scene.height)
        for row, scene in enumerate(scenes)
    ]
    for place, image_id in enumerate(_CORRUPTED):
        images.insert(2 * place, _image_entry(image_id, 640, 480))
    path.write_text(json.dumps(images))


def _image_entry(image_id: int, width: int, height: int) -> dict:
    return dict(
        image_id=image_id,
        width=width,
        height=height,
        url='',
        coco_id=None,
        flickr_id=None,
    )


def _write_vocabulary(path: Path, scenes: list[ToyScene]) -> None:
    objects = Counter(
        thing.name for scene in scenes for thing in scene.objects
    )
    predicates = Counter(
        name for scene in scenes for *_, name in relations_of(scene)
    )
    vocabulary = {
        'object_count': {name: objects[name] for name in TOY_CLASSES},
        'predicate_count': {name: predicates[name] for name in TOY_PREDICATES},
    }
    for key, inverse, names in (
        ('label_to_idx', 'idx_to_label', TOY_CLASSES),
        ('predicate_to_idx', 'idx_to_predicate', TOY_PREDICATES),
    ):
        numbered = list(enumerate(names, start=1))
        vocabulary[key] = {name: idx for idx, name in numbered}
        vocabulary[inverse] = {str(idx): name for idx, name in numbered}
    path.write_text(json.dumps(vocabulary))


def statistics_of(scenes: list[ToyScene], splits: np.ndarray) -> dict:
    """Say what is in a toy data set and how far labels alone lead.

    Args:
        scenes: All pictures.
        splits: 0 for each training, 2 for each test picture.

    Returns:
        ``images``, ``boxes``, ``relations`` (int); ``predicates``: share of
        the relations by name, the most frequent first; ``multi_predicate``:
        share of the related pairs with several predicates; ``prior_R@20``:
        recall on the test split of the most frequent predicate of the two
        classes; ``ceiling_R@20``: the best recall with one predicate a pair.
        The last two are None where no test picture has a relation.
    """
    graphs = [_graph(scene) for scene in scenes]
    train = [graphs[i] for i in np.flatnonzero(splits == 0)]
    test = [graphs[i] for i in np.flatnonzero(splits == 2)]
    rows = np.concatenate([graph.relations for graph in graphs])
    pairs = sum(len(graph.pairs()) for graph in graphs)
    names = Counter(TOY_PREDICATES[label] for label in rows[:, 2])
    return {
        'images': len(scenes),
        'boxes': sum(len(scene.objects) for scene in scenes),
        'relations': len(rows),
        'predicates': {
            name: count / len(rows) for name, count in names.most_common()
        },
        'multi_predicate': (len(rows) - pairs) / max(pairs, 1),
        'prior_R@20': label_prior_recall(train, test, top=20),
        'ceiling_R@20': recall_ceiling(test, top=20),
    }


def _graph(scene: ToyScene) -> Graph:
    relations = [
        (subject, target, TOY_PREDICATES.index(name))
        for subject, target, name in relations_of(scene)
    ]
    return Graph(
        labels=np.array([thing.rank for thing in scene.objects], dtype=int),
        relations=np.array(relations, dtype=int).reshape(-1, 3),
    )
