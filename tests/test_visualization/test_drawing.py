import doctest
import importlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmsgg.visualization.drawing import (
    draw_arrow,
    draw_tag,
    tag_size,
    text_color,
)


@pytest.mark.parametrize(
    'module',
    [
        'arrow_routes',
        'drawing',
        'graph_view',
        'node_layout',
        'scene',
        'sg_local_visualizer',
        'tag_layout',
    ],
)
def test_examples_in_docstrings(module):
    module = importlib.import_module(f'mmsgg.visualization.{module}')
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_arrow_without_length_is_a_dot():
    image = np.zeros((20, 20, 3), np.uint8)
    point = np.array([10.0, 10.0])
    draw_arrow(image, np.tile(point, (33, 1)), (200, 0, 0))
    assert image[10, 10].tolist() == [200, 0, 0]
    assert not image[:3].any()


def test_tag_fills_its_size():
    picture = Image.new('RGB', (120, 40))
    width, height = tag_size('a horse', 13)
    draw_tag(ImageDraw.Draw(picture), (10, 5), 'a horse', 13, (9, 99, 9))
    rows, columns = np.nonzero(np.array(picture).any(-1))
    assert (columns.min(), rows.min()) == (10, 5)
    assert (columns.max(), rows.max()) == (10 + width - 1, 5 + height - 1)


def test_text_contrasts_with_its_background():
    assert sum(text_color((255, 240, 0))) < 100
    assert sum(text_color((0, 0, 160))) > 700
