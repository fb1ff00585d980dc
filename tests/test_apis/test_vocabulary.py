import warnings

import pytest

from mmsgg.apis.vocabulary import find_vocabulary, numbers_of
from mmsgg.datasets import VG150_CLASSES, VG150_PREDICATES

SIZES = dict(classes=3, predicates=2)
META = dict(classes=('man', 'horse', 'hat'), predicates=('on', 'riding'))
OTHER = dict(classes=['a', 'b', 'c'], predicates=['d', 'e'])


@pytest.mark.parametrize(
    ('checkpoint', 'dataset', 'expected'),
    [
        (META, {}, META),
        (META, OTHER, META),
        ({}, OTHER, OTHER),
        (dict(classes=META['classes']), OTHER, OTHER),
    ],
)
def test_where_names_come_from(checkpoint, dataset, expected):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert find_vocabulary(SIZES, checkpoint, dataset) == expected


def test_vg150_is_a_guess_that_is_said():
    sizes = dict(classes=150, predicates=50)
    with pytest.warns(UserWarning, match='taken for one of VG150'):
        found = find_vocabulary(sizes, {}, OTHER)
    assert found == dict(classes=VG150_CLASSES, predicates=VG150_PREDICATES)


def test_numbers_where_there_are_no_names():
    with pytest.warns(UserWarning, match='are numbered'):
        found = find_vocabulary(SIZES, {}, dict(classes=['one']))
    assert found['classes'] == ('class 0', 'class 1', 'class 2')
    assert found['predicates'] == ('predicate 0', 'predicate 1')


def test_a_checkpoint_of_another_vocabulary():
    with pytest.raises(ValueError, match=r'names 3 classes, .* has 4'):
        find_vocabulary(dict(SIZES, classes=4), META, {})


def test_numbers_of():
    classes = META['classes']
    assert numbers_of(['hat', 0, 'man'], classes) == [2, 0, 0]
    assert numbers_of('hat', classes) == [2]
    assert numbers_of([], classes) == []
    for wrong, message in (
        ('Horse', "unknown class 'Horse'; near it: horse"),
        ('xyz', "unknown class 'xyz'; such as man"),
        (3, 'from 0 to 2'),
        (-1, 'no class -1'),
        (0.5, r'no class 0\.5'),
    ):
        with pytest.raises(ValueError, match=message):
            numbers_of([wrong], classes)
