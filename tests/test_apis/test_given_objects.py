import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes

from mmsgg.apis.given_objects import read_given

CLASSES = ('man', 'horse')
BOXES = [[0, 0, 10, 20], [5, 5, 30.5, 20]]


@pytest.mark.parametrize(
    'boxes',
    [BOXES, np.array(BOXES), torch.tensor(BOXES), HorizontalBoxes(BOXES)],
    ids=['list', 'array', 'tensor', 'mmdet'],
)
def test_kinds_of_boxes(boxes):
    given = read_given(boxes, ['horse', 0], 'x', CLASSES)
    instances = given.instances(20, 31, 'x')
    assert instances.bboxes.tolist() == BOXES
    assert instances.bboxes.dtype == torch.float32
    assert instances.labels.tolist() == [1, 0]
    assert instances.labels.dtype == torch.int64


def test_boxes_are_counted_before_they_are_read():
    class Boxes(list):
        def __iter__(self):
            raise AssertionError('they were read')

    message = r"boxes of 'x.jpg' are 4; at most 3 are taken \(max_objects\)"
    with pytest.raises(ValueError, match=message):
        read_given(Boxes(2 * BOXES), None, "'x.jpg'", CLASSES, 3)
    assert len(read_given(2 * BOXES, None, 'x', CLASSES, 4).bboxes) == 4


@pytest.mark.parametrize('labels', [None, []])
def test_no_boxes(labels):
    instances = read_given([], labels, 'x', CLASSES).instances(5, 5, 'x')
    assert instances.bboxes.shape == (0, 4)
    assert instances.labels.shape == (0,)


def test_a_pixel_too_far_is_cut_off():
    given = read_given([[-0.5, 0, 11, 20]], None, 'x', CLASSES)
    assert given.instances(20, 10, 'x').bboxes.tolist() == [[0, 0, 10, 20]]


@pytest.mark.parametrize(
    ('boxes', 'labels', 'message'),
    [
        ([[0, 0, 9]], None, r'shape \(1, 3\)'),
        ([0, 0, 9, 9], None, r'shape \(4,\)'),
        ([[0, 0, 9, 9], [1]], None, 'not numbers'),
        ([['a', 0, 9, 9]], None, 'not numbers'),
        ([[0, 0, 9, np.inf]], None, 'infinity'),
        (BOXES, ['man'], 'has 2 boxes, but 1 labels'),
        (BOXES[:1], 'man', 'has 1 boxes, but one labels'),
        (BOXES, ['man', 'hose'], "labels of 'x.jpg': .*near it: horse"),
        (BOXES, ['man', 2], 'no class 2'),
    ],
)
def test_what_cannot_be_read(boxes, labels, message):
    with pytest.raises(ValueError, match=message) as error:
        read_given(boxes, labels, "'x.jpg'", CLASSES)
    assert 'x.jpg' in str(error.value)


@pytest.mark.parametrize(
    ('box', 'message'),
    [
        ([3, 3, 3, 9], '1 pixel'),
        ([9, 3, 3, 9], '1 pixel'),
        ([0.1, 0.1, 0.9, 0.9], '1 pixel'),  # relative coordinates
        ([0, 0, 11.5, 9], 'reaches out of the image, which is 10 x 20'),
        ([0, 0, 9, 22], 'reaches out'),
        ([-2, 0, 9, 9], 'reaches out'),
        ([30, 30, 40, 40], 'reaches out'),
    ],
)
def test_boxes_that_are_not_of_the_image(box, message):
    given = read_given([[0, 0, 9, 9], box], None, 'x', CLASSES)
    with pytest.raises(ValueError, match=f'box 1 of x.*{message}'):
        given.instances(20, 10, 'x')
