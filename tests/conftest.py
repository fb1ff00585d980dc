"""What all tests share."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope

from .folders import ROOT

# a busy machine is no failure
settings.register_profile('mmsgg', deadline=None, max_examples=40)
settings.load_profile('mmsgg')


def reading_once(read: Callable[[str], Config]) -> Callable[..., Config]:
    """Read each file of configs/ once: reading takes longer than a copy."""
    cached = cache(read)

    def fromfile(filename: str | Path, *args, **kwargs) -> Config:
        path = Path(filename)
        ours = path.is_relative_to(ROOT / 'configs')
        if args or kwargs or not ours or '..' in path.parts:
            return read(filename, *args, **kwargs)
        return deepcopy(cached(str(filename)))

    return fromfile


Config.fromfile = staticmethod(reading_once(Config.fromfile))


#: Files of few tests that take long: begun first, none of them is left over
#: for one process while the others have nothing to do.
BEGUN_FIRST = {
    *('test_end_to_end', 'test_refused_runs', 'test_edge_images'),
    *('test_add_a_head', 'test_custom_dataset', 'test_notebook'),
    *('test_configs', 'test_relation_heads', 'test_benchmark_model'),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first; `make test` keeps this order."""
    items.sort(key=lambda item: item.path.stem not in BEGUN_FIRST)


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
