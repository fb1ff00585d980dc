import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_page.user_boxes import (
    MAX_BOXES,
    UserBox,
    format_box,
    parse_boxes,
)

CLASSES = ('person', 'dog', 'traffic light')
SIZE = (100, 80)


def parse(text, need_labels=False):
    return parse_boxes(text, SIZE, CLASSES, need_labels)


@pytest.mark.parametrize(
    ('line', 'label'),
    [
        ('1, 2, 30, 40', None),
        ('1 2 30 40', None),
        ('[1.0, 2.0, 30.0, 40.0],', None),
        ('1;2;30;40;dog', 1),
        ('\t1,2 ,30, 4e1,   traffic light ', 2),
        ('(1, 2, 30, 40) 0', 0),
    ],
)
def test_ways_to_write_a_box(line, label):
    assert parse(line) == [UserBox((1, 2, 30, 40), label)]


def test_empty_lines_are_skipped():
    boxes = parse('\n1 2 3 4\n  \n5 6 7 8 dog\n')
    assert [box.label for box in boxes] == [None, 1]
    assert parse('') == parse(None) == []


def test_boxes_are_cut_at_the_image():
    [box] = parse('-5 -5 200 200')
    assert box.corners == (0, 0, 100, 80)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1 2 3', r"line 1: '1 2 3' is not four numbers x1, y1, x2, y2\."),
        ('1 2 3 4\na b c d', "line 2: 'a b c d' is not four numbers"),
        ('1 2 nan 4', 'a number is not finite'),
        ('1 2 inf 4', 'a number is not finite'),
        ('30 2 10 40', 'not 1 pixel wide and high inside the 100 x 80'),
        ('1 2 1.5 40', 'not 1 pixel wide'),
        ('200 0 300 10', 'not 1 pixel wide'),
        ('1 2 30 40 dgo', "line 1: unknown class 'dgo'; near it: dog"),
        ('1 2 30 40 3', 'line 1: there is no class 3'),
        ('1 2 3 4\n' * (MAX_BOXES + 1), 'There are 51 boxes; at most 50'),
    ],
)
def test_wrong_text_gets_a_message(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_labels_can_be_needed():
    assert parse('1 2 3 4 dog', need_labels=True)[0].label == 1
    with pytest.raises(ValueError, match='line 2: the class is missing'):
        parse('1 2 3 4 dog\n1 2 3 4', need_labels=True)


@given(st.floats(0, 90), st.floats(0, 70), st.sampled_from([None, *CLASSES]))
def test_what_is_written_is_read(x, y, name):
    [box] = parse(format_box((x, y, x + 5, y + 6), name))
    assert box.corners == pytest.approx((x, y, x + 5, y + 6), abs=0.06)
    assert box.label == (None if name is None else CLASSES.index(name))
