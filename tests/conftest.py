"""What all tests share."""

import pytest
from mmengine.registry import DefaultScope, init_default_scope


@pytest.fixture(autouse=True)
def default_scope():
    """Build unscoped types as a config with ``default_scope`` would."""
    init_default_scope('mmsgg')
    yield
    DefaultScope._instance_dict.clear()
