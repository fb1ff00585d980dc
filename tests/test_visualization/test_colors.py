import doctest
import importlib

import pytest

from mmsgg.visualization.colors import text_color


@pytest.mark.parametrize(
    'module',
    [
        'arrows',
        'colors',
        'graph_picture',
        'labels',
        'graph_dict',
        'sg_local_visualizer',
    ],
)
def test_examples_in_docstrings(module):
    module = importlib.import_module(f'mmsgg.visualization.{module}')
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_text_contrasts_with_its_background():
    assert sum(text_color((255, 240, 0))) < 100
    assert sum(text_color((0, 0, 160))) > 700
