"""The data sets and the visualizer of a config, and what is drawn on."""

from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer

from mmsgg.datasets.transforms import LoadImageFromFile
from mmsgg.registry import DATASETS, VISUALIZERS


def dataset_settings(cfg: Config, split: str) -> dict | None:
    """Find the settings of the data set of a split.

    Args:
        cfg: Of a model and its data.
        split: 'train', 'val' or 'test'.

    Returns:
        What the data set is built of; None where the config has none.
    """
    return (cfg.get(f'{split}_dataloader') or {}).get('dataset')


def build_dataset(cfg: Config, split: str, lazy: bool = False) -> BaseDataset:
    """Build the data set of a split.

    Args:
        cfg: Of a model and its data.
        split: 'train', 'val' or 'test'.
        lazy: Whether to leave the files closed until ``full_init``.

    Raises:
        ValueError: If the config has no such data set.
    """
    settings = dataset_settings(cfg, split)
    if settings is None:
        raise ValueError(f'{cfg.filename} has no {split}_dataloader.dataset')
    init_default_scope(cfg.get('default_scope', 'mmsgg'))
    return DATASETS.build(_lazily(settings) if lazy else settings)


def dataset_meta(cfg: Config | None) -> dict[str, Any]:
    """The names of classes and predicates; no file of the set is opened.

    Args:
        cfg: With a test data set; None gives no names.
    """
    if cfg is None:
        return {}
    init_default_scope(cfg.get('default_scope', 'mmsgg'))
    dataset = dict(cfg.test_dataloader.dataset, lazy_init=True, pipeline=[])
    return DATASETS.build(dataset).metainfo


def _lazily(settings: dict) -> dict:
    """Set ``lazy_init`` here and in what is wrapped."""
    settings = {**settings, 'lazy_init': True}
    if 'dataset' in settings:
        settings['dataset'] = _lazily(settings['dataset'])
    if 'datasets' in settings:
        settings['datasets'] = [_lazily(one) for one in settings['datasets']]
    return settings


def build_visualizer(cfg: Config) -> Visualizer:
    """Build that of the config, without backends that write elsewhere.

    Args:
        cfg: One without a ``visualizer`` gets :class:`SGLocalVisualizer`.
    """
    settings = dict(cfg.get('visualizer', dict(type='SGLocalVisualizer')))
    settings.pop('vis_backends', None)
    return VISUALIZERS.get(settings.pop('type'))(**settings)


def read_image(path: str) -> np.ndarray:
    """Read (H, W, 3) RGB pixels as the pipelines do.

    Raises:
        FileNotFoundError: If there is no such file.
        BrokenImageError: If it does not decode.
    """
    image = LoadImageFromFile()(dict(img_path=path))['img']
    return np.ascontiguousarray(image[..., ::-1])
