"""Images with no object, one object or no relation, from file to picture."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.runner import Runner

from mmsgg.datasets import ToyVGDataset
from mmsgg.registry import DATASETS

from .test_configs import CONFIGS

SIZES = {0: 0, 1: 0, 2: 0, 4: 3}  # boxes: relations


@DATASETS.register_module(force=True)
class EdgeDataset(BaseDataset):
    """One image for each entry of ``SIZES``."""

    METAINFO = ToyVGDataset.METAINFO

    def load_data_list(self):
        items = []
        for num_boxes, num_relations in SIZES.items():
            path = f'{self.data_root}/{num_boxes}.png'
            image = np.random.default_rng(num_boxes).integers(
                255, size=(96, 128, 3), dtype=np.uint8
            )
            cv2.imwrite(path, image)
            corners = [(8 + 20 * i, 10 + 10 * i) for i in range(num_boxes)]
            items.append(
                dict(
                    img_path=path,
                    img_id=num_boxes,
                    height=96,
                    width=128,
                    instances=[
                        dict(
                            bbox=[x, y, x + 30, y + 30],
                            bbox_label=i,
                            ignore_flag=0,
                        )
                        for i, (x, y) in enumerate(corners)
                    ],
                    relations=[
                        dict(pair=[i, i + 1], predicate_label=i)
                        for i in range(num_relations)
                    ],
                )
            )
        return items


@pytest.mark.parametrize('batch_size', [1, 4])
@pytest.mark.parametrize('task', ['predcls', 'sgcls', 'sgdet'])
def test_every_image_passes(task, batch_size, tmp_path):
    cfg = Config.fromfile(CONFIGS / 'toy' / f'{task}.py')
    for split in ('train', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.dataset = dict(
            type='EdgeDataset',
            data_root=str(tmp_path),
            pipeline=loader.dataset.pipeline,
        )
        loader.batch_size = batch_size
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.custom_hooks[0].must_overlap = True
    cfg.model.object_source.update(score_thr=0.0, max_per_img=5)
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.visualization.update(
        draw=True, test_out_dir=str(tmp_path / 'pictures')
    )
    cfg.work_dir = str(tmp_path / 'work')
    cfg.experiment_name = cfg.visualizer.name = tmp_path.name
    cfg.launcher = 'none'
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert all(p.isfinite().all() for p in runner.model.parameters())
    scores = runner.test()
    # one image has relations; the others must not count as misses
    assert 0 <= scores['R@20'] <= 1
    if task == 'predcls':  # 12 pairs, each with one of 11 predicates
        assert scores['ng-R@100'] > 0
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == len(SIZES)
