"""Bi-level resampling against its formulas, image by image."""

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData

from mmsgg.datasets import (
    SceneGraphArrays,
    scene_graphs_of,
    write_scene_graph_json,
)
from mmsgg.engine.loops.resumable_train_loop import SeededBatch
from mmsgg.models.relation_heads import EGTRRelHead, RelTRRelHead
from mmsgg.models.task_modules import (
    DetectionRelationSampler,
    RelationSampler,
)
from mmsgg.registry import DATASETS, MODELS

from ..folders import ROOT

#: Predicates of the relations of each image; 0 is frequent, 3 never occurs.
IMAGES = [[0] * 12, [], [0, 0, 1], [0, 2, 0], *[[0, 0]] * 9, [1, 0], [0, 1, 2]]
SHARE, GAMMA = 0.3, 0.9


def write(path, images):
    """Write images of four boxes, related in a ring."""
    num = len(images)
    counts = [len(image) for image in images]
    rows = [r % 4 for count in counts for r in range(count)]
    graphs = SceneGraphArrays(
        img_ids=np.arange(num),
        heights=np.full(num, 50),
        widths=np.full(num, 60),
        boxes=np.tile([[0, 0, 20, 20], [10, 10, 40, 40]], (2 * num, 1)),
        labels=np.tile([0, 1], 2 * num),
        box_starts=4 * np.arange(num + 1),
        pairs=np.array([[r, (r + 1) % 4] for r in rows]).reshape(-1, 2),
        predicates=np.array([p for image in images for p in image], int),
        relation_starts=np.cumsum([0, *counts]),
    )
    names = ['on', 'has', 'near', 'under']
    write_scene_graph_json(path, graphs, ['cat', 'mat'], names)


def config(path, **kwargs):
    pipeline = [dict(type='mmsgg.LoadRelationAnnotations')]
    meta_keys = ('img_id',)
    pipeline += [dict(type='mmsgg.PackSGInputs', meta_keys=meta_keys)]
    dataset = dict(
        type='SceneGraphJsonDataset',
        ann_file=str(path),
        image_folders=(),
        pipeline=pipeline,
    )
    return dict(type='BiLevelResampledDataset', dataset=dataset, **kwargs)


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp('graphs') / 'graphs.json'
    write(path, IMAGES)
    return path


@pytest.fixture(scope='module')
def dataset(path):
    return DATASETS.build(config(path, oversample_thr=SHARE, gamma=GAMMA))


def slow_factors():
    """r_p of predicates that occur, and r_i."""
    rows = [p for image in IMAGES for p in image]
    of_predicate = {
        p: max(1.0, math.sqrt(SHARE / (rows.count(p) / len(rows))))
        for p in set(rows)
    }
    return of_predicate, [
        max([1.0] + [of_predicate[p] for p in image]) for image in IMAGES
    ]


def test_an_image_is_repeated_by_its_largest_factor(dataset):
    of_predicate, factors = slow_factors()
    assert of_predicate[0] == 1 < of_predicate[1] < of_predicate[2]
    assert len(dataset.predicate_factors) == 4  # that never occurs, too
    for predicate, factor in of_predicate.items():
        assert dataset.predicate_factors[predicate] == pytest.approx(factor)
    copies = [dataset.repeat_indices.count(i) for i in range(len(IMAGES))]
    for i in range(len(IMAGES)):
        assert sum(copies[: i + 1]) == math.floor(sum(factors[: i + 1]))
    assert min(copies) == 1 < max(copies)
    assert len(dataset) == sum(copies)
    ids = [item['data_samples'].img_id for item in dataset]
    assert ids == dataset.repeat_indices


def test_published_settings(path):
    dataset = DATASETS.build(config(path))
    assert (dataset.oversample_thr, dataset.gamma) == (0.012, 0.4)
    # no predicate is as rare as that here
    assert dataset.repeat_indices == [*range(len(IMAGES))]


def test_relations_are_ignored_as_often_as_the_formula_says(dataset):
    of_predicate, factors = slow_factors()
    np.random.seed(0)
    for image in (0, 1, 3, len(IMAGES) - 1):
        first = dataset.repeat_indices.index(image)
        draws = [
            dataset[first]['data_samples'].gt_relations.ignored.numpy()
            for _ in range(600)
        ]
        chances = [
            min(max((1 - of_predicate[p] / factors[image]) * GAMMA, 0), 1)
            for p in IMAGES[image]
        ]
        assert draws[0].shape == (len(chances),)
        if chances:
            found = np.mean(draws, axis=0)
            np.testing.assert_allclose(found, chances, atol=0.07)
            # never those that an image is repeated for
            assert not found[np.array(chances) == 0].any()


def test_gamma_0_ignores_nothing(path):
    dataset = DATASETS.build(config(path, oversample_thr=SHARE, gamma=0))
    for item in dataset:
        assert not item['data_samples'].gt_relations.ignored.any()


def test_draws_belong_to_the_place_in_the_run(dataset):
    def drawn(indices, seed=1, epoch=0):
        return {
            i: dataset[i]['data_samples'].gt_relations.ignored.tolist()
            for i in SeededBatch(indices, seed, epoch)
        }

    everything = [*range(len(dataset))]
    expected = drawn(everything)
    assert drawn(everything[::-1]) == expected  # order, batches, workers
    assert drawn(everything[3:5]) == {i: expected[i] for i in (3, 4)}
    others = range(2, 9)
    assert any(drawn(everything, seed=s) != expected for s in others)
    assert any(drawn(everything, epoch=e) != expected for e in others)
    image = IMAGES.index([0, 2, 0])
    copies = [i for i in everything if dataset.repeat_indices[i] == image]
    several = [drawn(everything, seed=s) for s in range(9)]
    assert any(run[copies[0]] != run[copies[1]] for run in several)


def test_hooks_count_all_copies(dataset):
    graphs = scene_graphs_of(dataset)
    expected = [p for i in dataset.repeat_indices for p in IMAGES[i]]
    assert graphs.predicates.tolist() == expected


def test_a_pipeline_without_relations_is_refused(path):
    cfg = config(path)
    cfg['dataset']['pipeline'] = []
    with pytest.raises(KeyError, match='end it with PackSGInputs'):
        DATASETS.build(cfg)[0]


@pytest.mark.parametrize(
    'sampler', [RelationSampler, DetectionRelationSampler]
)
def test_ignored_relations_are_drawn_neither_way(sampler):
    boxes = torch.tensor(
        [[0.0, 0, 20, 20], [10, 10, 40, 40], [5, 5, 30, 30], [0, 0, 40, 40]]
    )
    instances = InstanceData(bboxes=boxes, labels=torch.tensor([0, 1, 2, 3]))
    relations = InstanceData(
        pairs=torch.tensor([[0, 1], [1, 2], [1, 2], [2, 3]]),
        labels=torch.tensor([0, 1, 2, 0]),
        ignored=torch.tensor([True, True, False, False]),
    )
    objects = InstanceData(bboxes=boxes)
    drawn = sampler(num=64, pos_fraction=0.5).sample(
        objects, instances, relations, num_classes=4, num_predicates=5
    )
    found = {
        (*pair, predicate)
        for pair, predicate in zip(
            drawn.pairs.tolist(), drawn.predicates.tolist(), strict=True
        )
    }
    related = {(1, 2, 2), (2, 3, 0)}
    unrelated = {
        (s, o, 5)
        for s in range(4)
        for o in range(4)
        if s != o and (s, o) not in {(0, 1), (1, 2), (2, 3)}
    }
    assert found == related | unrelated


def test_a_head_trains_on_it_or_refuses(dataset):
    cfg = Config.fromfile(ROOT / 'configs' / 'gqa' / 'mlp_boxes.py').model
    model = MODELS.build(cfg)
    items = pseudo_collate([dataset[0], dataset[2]])
    losses = model(**model.data_preprocessor(items, True), mode='loss')
    assert losses['loss_predicate'] > 0
    model.relation_head.samples_pairs = False
    with pytest.raises(ValueError, match='MLPRelHead learns all relations'):
        model(**model.data_preprocessor(items, True), mode='loss')
    assert not EGTRRelHead.samples_pairs and not RelTRRelHead.samples_pairs
