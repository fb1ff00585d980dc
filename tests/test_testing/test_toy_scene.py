"""Rules of the toy pictures, example by example, and what holds for all."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsgg.testing import ToyObject, ToyScene, ToySceneSampler, relations_of
from mmsgg.testing.toy_scene import gaps, is_clear, predicates_of


def scene_of(seed, **kwargs):
    return ToySceneSampler(np.random.default_rng(seed), **kwargs).sample()


def boxed(name, x, y, active=False, side=20):
    return ToyObject(name, (x, y, x + side, y + side), active)


def relations(*objects, night=False):
    scene = ToyScene(100, 100, night, objects)
    return [
        (objects[i].name, predicate, objects[j].name)
        for i, j, predicate in relations_of(scene)
    ]


@pytest.mark.parametrize(
    ('x', 'y', 'expected'),
    [
        (25, 2, 'beside'),
        (-25, -2, 'beside'),
        (3, 30, 'above'),
        (3, -30, 'below'),
        (30, 30, 'near'),
        (-30, 25, 'near'),
        (5, 5, 'near'),
    ],
)
def test_geometry(x, y, expected):
    kite, tree = boxed('kite', 40, 40), boxed('tree', 40 + x, 40 + y)
    assert relations(kite, tree) == [('kite', expected, 'tree')]
    # whichever comes first in the picture, the kite is the subject
    assert relations(tree, kite) == [('kite', expected, 'tree')]


@pytest.mark.parametrize(('gap', 'related'), [(17.9, True), (18.1, False)])
def test_reach_is_nine_tenths_of_the_mean_side(gap, related):
    kite, tree = boxed('kite', 0, 0), boxed('tree', 20 + gap, 0)
    assert bool(relations(kite, tree)) == related
    person = boxed('person', 0, 0, active=True)
    assert bool(relations(person, tree)) == related


def test_of_equal_classes_the_left_one_is_the_subject():
    left, right = boxed('ball', 10, 10), boxed('ball', 40, 10)
    for objects in ((left, right), (right, left)):
        (relation,) = relations_of(ToyScene(99, 99, False, objects))
        assert objects[relation[0]] is left


@pytest.mark.parametrize(
    ('name', 'predicate'),
    [
        ('person', 'waving at'),
        ('bird', 'flying over'),
        ('lamp', 'lighting'),
    ],
)
def test_appearance_of_the_subject_beats_geometry(name, predicate):
    tree = boxed('tree', 25, 0)
    for active, expected in ((True, predicate), (False, 'beside')):
        subject = boxed(name, 0, 0, active)
        assert relations(subject, tree) == [(name, expected, 'tree')]


def test_appearance_of_the_object_is_nothing():
    person, bird = boxed('person', 0, 0), boxed('bird', 25, 0, active=True)
    assert relations(person, bird) == [('person', 'beside', 'bird')]


def test_night_is_the_context_of_dogs():
    dog, ball, tree = (boxed(n, 0, 0) for n in ('dog', 'ball', 'tree'))
    ball, tree = replace(ball, box=(25, 0, 45, 20)), tree
    tree = replace(tree, box=(0, 25, 20, 45))
    for night, expected in ((False, 'chasing'), (True, 'guarding')):
        assert relations(dog, ball, night=night) == [('dog', expected, 'ball')]
        assert relations(dog, tree, night=night) == [('dog', 'above', 'tree')]


def test_contact():
    cup, table = boxed('cup', 10, 10), boxed('table', 10, 27)
    assert relations(cup, table) == [('cup', 'on', 'table')]
    lit = boxed('lamp', 10, 10, active=True)
    assert relations(lit, table) == [('lamp', 'on', 'table')]
    person, kite = boxed('person', 10, 10), boxed('kite', 25, 15)
    assert relations(person, kite) == [
        ('person', 'holding', 'kite'),
        ('person', 'near', 'kite'),
    ]


@pytest.mark.parametrize(
    ('name', 'x', 'y', 'clear'),
    [
        ('tree', 5, 30, True),
        ('ball', 5, 30, True),
        # which of two balls is the left one?
        ('ball', 1, 30, False),
        ('tree', 1, 30, True),
        # overlapping, nearly touching, nearly diagonal, nearly too far
        ('tree', 15, 15, False),
        ('tree', 5, 22, False),
        ('tree', 19, 30, False),
        ('tree', 5, 37, False),
        ('tree', 5, 60, True),
    ],
)
def test_clear_pairs_are_far_from_every_decision(name, x, y, clear):
    assert is_clear(boxed('ball', 0, 0), boxed(name, x, y)) == clear


@given(st.integers(0, 2**32))
def test_order_of_objects_means_nothing(seed):
    scene = scene_of(seed)
    order = np.random.default_rng(seed).permutation(len(scene.objects))
    shuffled = replace(scene, objects=tuple(scene.objects[i] for i in order))
    renamed = {
        (int(order[i]), int(order[j]), predicate)
        for i, j, predicate in relations_of(shuffled)
    }
    assert renamed == set(relations_of(scene))


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([96, 144, 256]))
def test_sampled_pictures_are_clear(seed, image_size):
    """Truth survives what detection and rounding do to boxes."""
    scene = scene_of(seed, image_size=image_size)
    assert len(scene.objects) <= 8
    rng = np.random.default_rng(seed)
    for first, second in combinations(scene.objects, 2):
        truth = predicates_of(first, second, scene.night)
        side = (first.width + second.width) / 2
        for _ in range(4):
            shifted = [
                replace(
                    thing,
                    box=tuple(
                        thing.box + rng.uniform(-0.015, 0.015, 4) * side
                    ),
                )
                for thing in (first, second)
            ]
            assert predicates_of(*shifted, scene.night) == truth
        if max(gaps(first, second)) < 0:
            assert {'on', 'holding'} & {
                *truth,
                *predicates_of(second, first, scene.night),
            }


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_objects_are_inside_their_picture(seed):
    scene = scene_of(seed)
    sides = sorted((scene.width, scene.height))
    assert 128 <= sides[1] < 160 and 90 <= sides[0] < sides[1]
    for thing in scene.objects:
        x1, y1, x2, y2 = thing.box
        assert 0 < x1 < x2 < scene.width and 0 < y1 < y2 < scene.height
        assert 12 < thing.width < 64 and 12 < thing.height < 64
