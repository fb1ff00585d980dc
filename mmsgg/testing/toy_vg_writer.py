"""Draw toy pictures and write them in the files of VG150."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_iter_progress

from mmsgg.datasets import TOY_CLASSES, TOY_PREDICATES, SceneGraphArrays
from mmsgg.datasets.image_list_dataset import (
    ImageEntry,
    as_arrays,
    join_entries,
)
from mmsgg.datasets.relation_statistics import count_in_graphs
from mmsgg.datasets.vg150_file import SPLIT_NUMBERS, write_like_original
from mmsgg.evaluation import prior_recall

from .toy_render import render
from .toy_scene import ToyScene, relations_of
from .toy_scene_sampler import ToySceneSampler

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
    images = [(SPLIT_NUMBERS['train'], i) for i in range(num_train)]
    images += [(SPLIT_NUMBERS['test'], i) for i in range(num_test)]
    np.random.default_rng(seed).shuffle(images)
    scenes = []
    for index, (split, number) in enumerate(
        track_iter_progress(images) if progress else images
    ):
        rng = np.random.default_rng([seed, split, number])
        scene = ToySceneSampler(rng, image_size).sample()
        name = f'{_FOLDERS[index % 2]}/{_FIRST_ID + index}.jpg'
        _write_image(out_dir / name, render(scene, rng))
        scenes.append(_shuffled(scene, rng))
    graphs = _graphs_of(scenes)
    splits = np.array([split for split, _ in images])
    write_like_original(out_dir, graphs, splits, TOY_CLASSES, TOY_PREDICATES)
    return statistics_of(graphs, splits)


def _write_image(path: Path, image: np.ndarray) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    if not cv2.imwrite(str(path), image, quality):
        raise OSError(f'cannot write {path}')


def _shuffled(scene: ToyScene, rng: np.random.Generator) -> ToyScene:
    """Hide the drawing order, which tells who stands on whom."""
    order = rng.permutation(len(scene.objects))
    objects = tuple(scene.objects[i] for i in order)
    return ToyScene(scene.width, scene.height, scene.night, objects)


def _graphs_of(scenes: list[ToyScene]) -> SceneGraphArrays:
    entries = (
        ImageEntry(
            img_id=number,
            file_name=f'{number}.jpg',
            size=[scene.width, scene.height],
            boxes=[item.box for item in scene.objects],
            labels=[item.rank for item in scene.objects],
            triplets=[
                [subject, obj, TOY_PREDICATES.index(name)]
                for subject, obj, name in relations_of(scene)
            ],
        )
        for number, scene in enumerate(scenes, start=_FIRST_ID)
    )
    return join_entries([*map(as_arrays, entries)])


def statistics_of(graphs: SceneGraphArrays, splits: np.ndarray) -> dict:
    """Say what is in a toy data set and how far labels alone lead.

    Args:
        graphs: All pictures.
        splits: (N,) 0 for each training, 2 for each test picture.

    Returns:
        ``images``, ``boxes``, ``relations`` (int); ``predicates``: share of
        the relations by name, the most frequent first; ``multi_predicate``:
        share of the related pairs with several predicates; ``prior_R@20``:
        recall on the test split of the most frequent predicate of the two
        classes; ``ceiling_R@20``: the best recall with one predicate a pair.
        The last two are None where no test picture has a relation.
    """
    train, test = (
        graphs.take(np.flatnonzero(splits == SPLIT_NUMBERS[split]))
        for split in ('train', 'test')
    )
    num_relations = len(graphs.pairs)
    num_pairs = len(np.unique(graphs.global_pairs(), axis=0))
    names = Counter(TOY_PREDICATES[i] for i in graphs.predicates.tolist())
    return {
        'images': len(graphs),
        'boxes': len(graphs.boxes),
        'relations': num_relations,
        'predicates': {
            name: count / num_relations for name, count in names.most_common()
        },
        'multi_predicate': (num_relations - num_pairs) / max(num_pairs, 1),
        'prior_R@20': label_prior_recall(train, test, top=20),
        'ceiling_R@20': recall_ceiling(test, top=20),
    }


def label_prior_recall(
    train: SceneGraphArrays, test: SceneGraphArrays, top: int
) -> float | None:
    """Recall of the most frequent predicate of each pair of classes.

    Pairs are ranked by the frequency of that predicate among all training
    pairs of these classes, unrelated ones included.

    Args:
        train: Graphs to count.
        test: Graphs to score, their objects given.
        top: How many pairs of an image count.

    Returns:
        Mean over images with relations of the share of relations found; None
        if there is no such image.
    """
    counts = count_in_graphs(
        train, len(TOY_CLASSES), len(TOY_PREDICATES), must_overlap=False
    )
    totals = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    recall = prior_recall(counts[..., :-1] / totals, test, topk=(top,))
    return recall[f'R@{top}'] if len(test.pairs) else None


def recall_ceiling(test: SceneGraphArrays, top: int) -> float | None:
    """Recall of a perfect model that gives one predicate a pair.

    Args:
        test: Graphs to score.
        top: How many pairs of an image count.

    Returns:
        As :func:`label_prior_recall`.
    """
    counts = test.relation_counts
    of_image = np.repeat(np.arange(len(test)), counts)
    pairs = np.unique(np.column_stack([of_image, test.pairs]), axis=0)
    num_pairs = np.bincount(pairs[:, 0], minlength=len(test))
    related = counts > 0
    if not related.any():
        return None
    return float(
        np.mean(np.minimum(num_pairs, top)[related] / counts[related])
    )
