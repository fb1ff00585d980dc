"""Toy pictures show what their scene says."""

from dataclasses import replace

import numpy as np
import pytest

from mmsgg.datasets import TOY_CLASSES
from mmsgg.testing import ToyObject, ToyScene, render
from mmsgg.testing.toy_scene import STATES

OBJECTS = [(name, False) for name in TOY_CLASSES]
OBJECTS += [(name, True) for name in STATES]
EMPTY = ToyScene(120, 100, False, ())


def picture(*objects, **kwargs):
    scene = replace(EMPTY, objects=objects, **kwargs)
    return render(scene, np.random.default_rng(0)).astype(int)


@pytest.mark.parametrize(('name', 'active'), OBJECTS)
def test_a_shape_fills_its_box(name, active):
    box = (31.0, 22.0, 71.0, 62.0)
    difference = np.abs(picture(ToyObject(name, box, active)) - picture())
    # the noise is of 5 levels either way
    ys, xs = np.nonzero(difference.max(axis=2) > 12)
    found = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    np.testing.assert_allclose(found, box, atol=2.01)
    assert len(xs) > 0.25 * 40 * 40


def test_shapes_and_states_differ():
    box = (30.0, 20.0, 70.0, 60.0)
    pictures = [picture(ToyObject(name, box, on)) for name, on in OBJECTS]
    for i, first in enumerate(pictures):
        for second in pictures[:i]:
            assert np.abs(first - second)[20:60, 30:70].mean() > 15


def test_nights_are_dark():
    assert picture(night=True).mean() < 80 < 170 < picture().mean()


def test_same_seed_same_picture():
    thing = ToyObject('dog', (30.0, 20.0, 70.0, 60.0))
    np.testing.assert_array_equal(picture(thing), picture(thing))
    other = render(replace(EMPTY, objects=(thing,)), np.random.default_rng(1))
    assert (picture(thing) != other).any()
