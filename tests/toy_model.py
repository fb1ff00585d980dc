"""An untrained toy model in files, as a training would leave it."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import save_checkpoint

from mmsgg.datasets import ToyVGDataset
from mmsgg.registry import MODELS

CONFIG = Path(__file__).parents[1] / 'configs' / 'toy' / 'sgdet.py'


def write_checkpoint(path, dataset_meta=True, name='sgdet'):
    """Write a random sgdet model that is sure of nothing but finds a lot."""
    cfg = Config.fromfile(CONFIG.with_stem(name))
    if cfg.model.object_source.type != 'QueryObjects':  # which are all found
        cfg.model.object_source.update(score_thr=0.0, max_per_img=6)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, parameter in model.named_parameters():
        if name.startswith('relation_head') and parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.08)
    meta = dict(cfg=cfg.pretty_text)
    if dataset_meta:
        meta['dataset_meta'] = ToyVGDataset.METAINFO
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(dict(meta=meta, state_dict=model.state_dict()), str(path))
    return path
