"""The examples in the docstrings of apis and exports."""

import doctest
import importlib
import pkgutil

import pytest

import mmsgg.apis
import mmsgg.apis.exports
import mmsgg.apis.web

MODULES = [
    f'{package.__name__}.{module.name}'
    for package in (mmsgg.apis, mmsgg.apis.web, mmsgg.apis.exports)
    for module in pkgutil.iter_modules(package.__path__)
    if not module.ispkg
]


@pytest.mark.parametrize('name', MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.failed == 0


def test_there_are_examples():
    modules = map(importlib.import_module, MODULES)
    found = [doctest.testmod(module).attempted for module in modules]
    assert sum(map(bool, found)) >= 7
