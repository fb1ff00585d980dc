"""The examples in the docstrings."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize('name', ['shown_graph', 'user_boxes'])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f'web_page.{name}'))
    assert result.attempted
    assert result.failed == 0
