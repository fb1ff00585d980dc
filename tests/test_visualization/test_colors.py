from itertools import combinations

import cv2
import numpy as np
import pytest

from mmsgg.visualization.colors import (
    class_color,
    color_classes,
    color_of,
    text_color,
)


def test_text_contrasts_with_its_background():
    assert sum(text_color((255, 240, 0))) < 100
    assert sum(text_color((0, 0, 160))) > 700


def least_gap(colors):
    """The distance of the two nearest colours in CIELAB."""
    pixels = np.array([[*colors]], np.float32) / 255
    [lab] = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    return min(np.linalg.norm(a - b) for a, b in combinations(lab, 2))


@pytest.mark.parametrize(
    'labels',
    [
        # hand, glasses, phone, chair, pot, cup of VRD: all of them were greens
        [57, 10, 49, 7, 78, 52],
        [8, 0],
        range(12),
        [0, 8, 21, 34, 55, 89],
    ],
)
def test_classes_of_a_picture_differ(labels):
    assert least_gap([class_color(label) for label in labels]) < 32
    colors = color_classes(labels)
    assert list(colors) == sorted(labels)
    assert least_gap(colors.values()) > 31
    assert color_classes([*labels, *labels][::-1]) == colors


def test_classes_that_differ_keep_their_colours():
    labels = [0, 1, 2, 3, 8]
    colors = color_classes(labels)
    assert colors.pop(8) not in (class_color(8), *colors.values())
    assert colors == {label: class_color(label) for label in labels[:4]}
    assert color_classes([]) == {}
    assert color_classes([8]) == {8: class_color(8)}


def test_the_colour_of_an_object():
    assert color_of(dict(label=3)) == class_color(3)
    assert color_of(dict(label=3, color=(1, 2, 3))) == (1, 2, 3)
