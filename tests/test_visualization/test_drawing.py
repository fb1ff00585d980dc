import doctest
import importlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmsgg.visualization.drawing import (
    curve,
    draw_arrow,
    draw_tag,
    find_room,
    tag_size,
    text_color,
)


@pytest.mark.parametrize('module', ['drawing', 'sg_local_visualizer'])
def test_examples_in_docstrings(module):
    module = importlib.import_module(f'mmsgg.visualization.{module}')
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_tag_takes_the_place_that_is_free():
    taken = [(0, 0, 50, 20), (0, 20, 40, 40)]
    place, hidden = find_room(
        (30, 10), [(0, 0), (35, 15), (50, 5)], taken, (0, 0, 100, 100)
    )
    assert place == (50, 5, 80, 15)
    assert hidden == 0


def test_tag_stays_inside_and_hides_as_little_as_it_can():
    taken = [(0, 0, 100, 40)]
    place, hidden = find_room(
        (30, 10), [(-20, -20), (90, 35)], taken, (0, 0, 100, 100)
    )
    assert place == (70, 35, 100, 45)
    assert hidden == 30 * 5


def test_first_place_wins_where_nothing_is_taken():
    place, hidden = find_room((30, 10), [(5, 5), (9, 9)], [], (0, 0, 99, 99))
    assert place[:2] == (5, 5)
    assert hidden == 0


@pytest.mark.parametrize('edge', [5.0, 95.0])
def test_curves_stay_in_the_picture(edge):
    top, bottom = np.array([edge, 5.0]), np.array([edge, 95.0])
    for ends in ((top, bottom), (bottom, top)):
        points = curve(*ends, bend=0.3, limits=(100, 100))
        assert points.min() >= 0 and points.max() <= 100
    free = [curve(*e, bend=0.3) for e in ((top, bottom), (bottom, top))]
    assert any(f.min() < 0 or f.max() > 100 for f in free)


def test_curves_there_and_back_are_apart():
    start, end = np.array([0.0, 0.0]), np.array([100.0, 0.0])
    there, back = curve(start, end), curve(end, start)
    np.testing.assert_allclose(there[0], start)
    assert 85 < there[-1, 0] < 95  # just before the end
    assert there[16, 1] < -5 < 5 < back[16, 1]


def test_arrow_without_length_is_a_dot():
    image = np.zeros((20, 20, 3), np.uint8)
    point = np.array([10.0, 10.0])
    draw_arrow(image, curve(point, point), (200, 0, 0))
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
