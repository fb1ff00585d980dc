"""Measure the demo on annotated photos: what is found, and how long it takes.

Those photos of the test set of the relation model's config count that are in
a folder of their own.

Example:
    python projects/photo_demo/measure.py data/vrd/images --data-root data/vrd
"""

import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress
from terminaltables import GithubFlavoredMarkdownTable

from mmsgg.apis import SGGInferencer
from mmsgg.evaluation import SceneGraphMetric
from mmsgg.registry import DATASETS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious
from photo_demo import (
    add_models,
    load_detector,
    load_label_map,
    relation_weights,
)

TOPK = (20, 50)


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('photos', type=Path, help='folder of the photos')
    add_models(parser)
    return parser.parse_args(argv)


def annotated(cfg: Config, args: Namespace) -> list[SGDataSample]:
    """The annotation of those photos that are there."""
    settings = cfg.test_dataloader.dataset
    if args.data_root is not None:
        settings.data_root = str(args.data_root)
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(settings)
    here = {path.name for path in args.photos.iterdir()}
    return [
        dataset[i]['data_samples']
        for i in range(len(dataset))
        if Path(dataset.get_data_info(i)['img_path']).name in here
    ]


class Score:
    """Objects and relations found, of all photos together."""

    def __init__(self, nameable: np.ndarray) -> None:
        self.nameable = nameable  # (C,) whether the detector has the class
        self.objects = np.zeros((2, 2))  # [all, nameable] x [found, number]
        self.pairs = np.zeros(2, dtype=int)  # related: [all, both nameable]
        self.relations = SceneGraphMetric(metrics=('pooled-R',), topk=TOPK)
        self.num = 0

    def add(self, truth: SGDataSample, found: SGDataSample) -> None:
        """Compare one photo; boxes in pixels of the original image."""
        truth = truth.clone()
        truth.pred_instances = found.pred_instances
        truth.pred_relations = found.pred_relations
        true, seen = truth.gt_instances, found.pred_instances
        same = true.labels[:, None] == seen.labels
        ious = box_ious(true.bboxes.numpy(), seen.bboxes.numpy())
        hit = (same.numpy() & (ious >= 0.5)).any(axis=1)
        for row, some in enumerate((hit >= 0, self.nameable[true.labels])):
            self.objects[row] += hit[some].sum(), some.sum()
        both = self.nameable[true.labels[truth.gt_relations.pairs]].all(axis=1)
        self.pairs += len(both), both.sum()
        self.relations.process({}, [truth.to_dict()])
        self.num += 1

    def row(self, name: str) -> list[str]:
        """A row of the table, in %."""
        objects = self.objects[:, 0] / self.objects[:, 1].clip(1)
        relations = self.relations.evaluate(self.num)
        recalls = [relations[f'pooled-R@{k}'] for k in TOPK]
        cells = [f'{100 * value:.1f}' for value in (*objects, *recalls)]
        return [name, *cells]


def main(argv: Sequence[str] | None = None) -> None:
    """Detect, relate and compare."""
    args = parse_args(argv)
    torch.set_num_threads(1)
    cfg = Config.fromfile(args.config)
    truths = annotated(cfg, args)
    weights = args.checkpoint or relation_weights(args.config, args.data_root)
    detector = load_detector(args)
    inferencer = SGGInferencer(
        args.config, weights, device='cpu', show_progress=False
    )
    classes = inferencer.model.dataset_meta['classes']
    label_map = load_label_map(args.config)
    names = [label_map.get(name, name) for name in detector.classes]
    nameable = np.isin(classes, [name for name in names if name])
    scores = dict(detected=Score(nameable), given=Score(nameable))
    seconds = np.zeros(3)
    options: dict[str, Any] = dict(topk=10**6, return_datasamples=True)
    for truth in track_iter_progress(truths):
        photo = str(args.photos / Path(truth.img_path).name)
        times = [time.process_time()]
        found = detector.detect(mmcv.imread(photo))
        times.append(time.process_time())
        [graph] = inferencer(photo, **found, label_map=label_map, **options)[
            'predictions'
        ]
        times.append(time.process_time())
        scores['detected'].add(truth, graph)
        true = truth.gt_instances
        [graph] = inferencer(
            photo, boxes=true.bboxes, labels=true.labels, **options
        )['predictions']
        scores['given'].add(truth, graph)
        seconds += *np.diff(times), len(found['boxes'])
    rows = [
        scores['detected'].row(args.detector),
        scores['given'].row('true boxes and classes'),
    ]
    print(f'\n{len(truths)} photos, in %\n')
    heads = ['objects', 'found', 'found of nameable classes']
    heads += [f'relations in the first {k}' for k in TOPK]
    print(GithubFlavoredMarkdownTable([heads, *rows]).table)
    given = scores['given']
    print(
        f'\n{given.objects[1, 1]:.0f} of {given.objects[0, 1]:.0f} objects '
        f'are of such classes, and both objects of {given.pairs[1]} of '
        f'{given.pairs[0]} relations'
    )
    detecting, relating, boxes = seconds / len(truths)
    print(
        f'CPU seconds a photo: detector {detecting:.2f}, relations '
        f'{relating:.2f}; {boxes:.1f} boxes a photo'
    )


if __name__ == '__main__':
    main()
