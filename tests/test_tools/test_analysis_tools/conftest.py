import shutil
from pathlib import Path

import pytest
from mmengine.config import Config

from mmsgg.testing import write_toy_vg

CONFIG = Path(__file__).parents[3] / 'configs' / 'toy' / 'sgcls.py'


def toy_options(folder) -> dict:
    """Settings that make the toy config read a small toy set."""
    return {
        f'{split}_dataloader.dataset.{key}': value
        for split in ('train', 'val', 'test')
        for key, value in (('data_root', str(folder)), ('num_val', 10))
    }


@pytest.fixture(scope='session')
def toy_source(tmp_path_factory):
    folder = tmp_path_factory.mktemp('toy')
    write_toy_vg(folder, num_train=60, num_test=20, progress=False)
    return folder


@pytest.fixture
def toy(toy_source, tmp_path):
    """A toy set of which a test may damage what it likes."""
    return shutil.copytree(toy_source, tmp_path / 'toy')


@pytest.fixture
def toy_config(toy):
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(toy_options(toy))
    return cfg
