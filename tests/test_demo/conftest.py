"""An untrained toy model and a folder with three pictures."""

import pytest
from mmengine.registry import init_default_scope

from mmsgg.testing import write_toy_vg

from ..toy_model import write_checkpoint


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    init_default_scope('mmsgg')
    return write_checkpoint(tmp_path_factory.mktemp('model') / 'toy.pth')


@pytest.fixture(scope='session')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    write_toy_vg(root, num_train=2, num_test=4, progress=False)
    return root / 'VG_100K'
