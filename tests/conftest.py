"""What all tests share."""

import pytest
import torch
from hypothesis import settings
from mmengine.registry import DefaultScope, init_default_scope

# a busy machine is no failure
settings.register_profile('mmsgg', deadline=None)
settings.load_profile('mmsgg')


@pytest.fixture(autouse=True)
def default_scope():
    """Build unscoped types as a config with ``default_scope`` would."""
    init_default_scope('mmsgg')
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture(params=['cpu', 'cuda'])
def device(request):
    """Every device that a test is to run on."""
    if request.param == 'cuda' and not torch.cuda.is_available():
        pytest.skip('torch finds no GPU here')
    return torch.device(request.param)
