"""What a validation run leaves in the backends of the visualizer."""

from pathlib import Path

import mmcv
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmsgg.testing import write_toy_vg

CONFIG = Path(__file__).parents[2] / 'configs/toy/sgdet_tensorboard.py'


def test_validation_writes_pictures_and_scores_to_tensorboard(tmp_path):
    pytest.importorskip('tensorboard', reason='TensorBoard is not installed')
    from tensorboard.backend.event_processing import event_accumulator

    write_toy_vg(tmp_path / 'data', 6, 1, progress=False)
    cfg = Config.fromfile(CONFIG)
    cfg.val_dataloader.dataset.update(
        data_root=str(tmp_path / 'data'), num_val=5
    )
    for name in ('train', 'test'):
        cfg[f'{name}_dataloader'] = None
    cfg.train_cfg = cfg.test_cfg = cfg.test_evaluator = None
    cfg.optim_wrapper = cfg.param_scheduler = None
    cfg.default_hooks.visualization.interval = 2
    cfg.default_hooks.checkpoint = None  # wants a training before
    cfg.work_dir = str(tmp_path / 'work')
    cfg.visualizer.name = cfg.experiment_name = str(tmp_path)
    scores = Runner.from_cfg(cfg).val()

    [events] = (tmp_path / 'work').rglob('events.out.tfevents*')
    found = event_accumulator.EventAccumulator(str(events))
    found.Reload()
    pictures = found.Images('val_img')
    assert [picture.step for picture in pictures] == [0, 2, 4]
    [score] = found.Scalars('R@20')
    assert score.value == pytest.approx(scores['R@20'], abs=1e-6)
    for picture in pictures:
        name = f'vis_image/val_img_{picture.step}.png'
        [file] = (tmp_path / 'work').rglob(name)
        shown = mmcv.imfrombytes(picture.encoded_image_string)
        np.testing.assert_array_equal(shown, mmcv.imread(file))
