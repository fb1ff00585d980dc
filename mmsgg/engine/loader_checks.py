"""Whether data loaders give what a training or a test is to work on."""

from typing import Any

from mmdet.evaluation import CocoMetric
from mmengine.evaluator import Evaluator
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmsgg.datasets import SceneGraphDataset, inner_datasets


def check_training(runner: Runner) -> None:
    """Refuse a loader that has nothing to train on.

    It is built here, where the runner would do so a little later: schedulers
    fail at an epoch without a batch before any hook is called.

    Args:
        runner: Before or in :meth:`~mmengine.runner.Runner.train`.

    Raises:
        ValueError: If there is no image, or no batch.
    """
    loader = runner.train_dataloader
    _refuse_empty(loader, 'train_dataloader')
    by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
    if by_epoch and len(loader) == 0:
        raise ValueError(
            f'train_dataloader: a batch of {loader.batch_size} is more than '
            f'the {len(loader.dataset)} images of {_titles(loader)}, and '
            'drop_last=True leaves it out, so that nothing would be trained; '
            'set a smaller batch_size or drop_last=False'
        )


def check_evaluation(
    loader: DataLoader, evaluator: Evaluator, split: str
) -> None:
    """Refuse scores that would not be of the whole set, as it is annotated.

    Args:
        loader: Of the images.
        evaluator: With the metrics.
        split: 'val' or 'test'.

    Raises:
        ValueError: If the set is empty, some of its images would be left out
            or replaced, or a metric would go by another annotation.
    """
    name = f'{split}_dataloader'
    _refuse_empty(loader, name)
    sampler: Any = loader.sampler
    size, batch_size = len(sampler), loader.batch_size or 1
    if loader.drop_last and size % batch_size:
        raise ValueError(
            f'{name}: drop_last=True leaves out {size % batch_size} of the '
            f'{size} images of {_titles(loader)}; set drop_last=False'
        )
    datasets = [*inner_datasets(loader.dataset)]
    if any(getattr(one, 'skip_broken_images', False) for one in datasets):
        raise ValueError(
            f'{name}: skip_broken_images=True would replace images of '
            f'{_titles(loader)}; leave it out, it is for training'
        )
    for metric in evaluator.metrics:
        # ours takes the annotation from the data set
        if type(metric) is CocoMetric:
            for one in datasets:
                if isinstance(one, SceneGraphDataset):
                    _check_coco(metric, one, f'{split}_evaluator')


def _refuse_empty(loader: DataLoader, name: str) -> None:
    if len(loader.dataset) == 0:  # type: ignore[arg-type]
        raise ValueError(
            f'{name}: no image is left of {_titles(loader)}; take a file or '
            'a split that has some, or less of filter_*, filter_cfg and '
            'indices (the log says what was dropped)'
        )


def _check_coco(
    metric: CocoMetric, dataset: SceneGraphDataset, name: str
) -> None:
    """Refuse an annotation file that mmdet's metric reads otherwise."""
    remedy = (
        "write type='CocoMetric', without 'mmdet.' and ann_file, which takes "
        'the annotation from the data set'
    )
    api = metric._coco_api
    if api is None:
        raise ValueError(
            f'{name}: mmdet.CocoMetric has no ann_file, and items of '
            f'{dataset.title} bring no annotation for it; {remedy}'
        )
    classes = list(dataset.metainfo['classes'])
    names = [category['name'] for category in api.dataset['categories']]
    if [one for one in names if one in classes] != classes:
        raise ValueError(
            f'{name}: ann_file of mmdet.CocoMetric lists other categories, or '
            f'in another order, than the classes of {dataset.title}; {remedy}'
        )
    for entry in api.dataset['annotations']:
        if not {'area', 'iscrowd'} <= entry.keys():
            raise ValueError(
                f'{name}: mmdet.CocoMetric needs area and iscrowd of each '
                f'annotation, and {entry} of its ann_file lacks one; {remedy}'
            )


def _titles(loader: DataLoader) -> str:
    """Name the data sets of a loader, with their files."""
    found: list[Any] = [*inner_datasets(loader.dataset)]
    return ', '.join(
        f'{type(one).__name__} ({getattr(one, "ann_file", "")})'
        for one in found
    )
