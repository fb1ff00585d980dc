"""One untrained toy model and a few toy pictures for all tests here."""

import pytest
from mmengine.registry import init_default_scope

from mmsgg.apis import SGGInferencer
from mmsgg.testing import write_toy_vg

from ..toy_model import write_checkpoint


@pytest.fixture(scope='session')
def data_root(tmp_path_factory):
    """A toy data set of 4 test images."""
    root = tmp_path_factory.mktemp('toy')
    write_toy_vg(root, num_train=6, num_test=4, progress=False)
    return root


@pytest.fixture(scope='session')
def images(data_root):
    """The paths of 3 toy pictures."""
    return sorted(map(str, data_root.glob('VG_100K/*.jpg')))[:3]


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    init_default_scope('mmsgg')
    return write_checkpoint(tmp_path_factory.mktemp('model') / 'toy.pth')


@pytest.fixture(scope='session')
def inferencer(checkpoint):
    return SGGInferencer(weights=checkpoint, device='cpu', show_progress=False)
