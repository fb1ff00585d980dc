"""Another class for a box, without a browser."""

from contextvars import copy_context

import pytest
from dash._callback_context import context_value
from dash._utils import AttributeDict
from dash.exceptions import PreventUpdate

from fake_inferencer import CLASSES, fake_graph
from web_page.class_callbacks import ClassCallbacks
from web_page.limits import MAX_BOXES
from web_page.user_boxes import parse_boxes

SOURCE = dict(name='a.png', example=False, size=[120, 90])
GRAPH = fake_graph(
    [[0, 0, 90, 80], [20, 20, 60, 60], [50, 5, 90, 50]], [1, 2, 1], 120, 90
)
TEXT = '5, 5, 50, 60, dog\n40, 30, 110, 80'


def choose(x, y, graph=GRAPH, task='sgdet', text='', by='clicked.data'):
    def run():
        context_value.set(
            AttributeDict(triggered_inputs=[dict(prop_id=by, value=1)])
        )
        page = ClassCallbacks(CLASSES)
        at = dict(x=x, y=y)
        return page.choose_box(at, graph, 0.1, 20, task, SOURCE, text)

    return copy_context().run(run)


def give(name, chosen, graph=GRAPH, task='sgdet', text=''):
    page = ClassCallbacks(CLASSES)
    return page.give_class(name, chosen, graph, 0.1, 20, task, SOURCE, text)


def test_the_smallest_box_at_the_mouse_is_chosen():
    assert choose(30, 30) == (False, 'traffic light is', None, 1)
    assert choose(5, 70) == (False, 'dog is', None, 0)
    assert choose(110, 85) == (True, '', None, None)


def test_boxes_of_the_user_are_chosen_too():
    for task, name in (('sgcls', 'Box 2 is'), ('predcls', 'Box 2 is')):
        chosen = choose(100, 70, None, task, TEXT)
        assert chosen == (False, name, None, 1)
    assert choose(10, 10, None, 'predcls', TEXT)[1] == 'dog is'
    assert choose(10, 10, None, 'sgdet', TEXT)[0]  # they are not shown


def test_another_graph_ends_the_choice():
    assert choose(30, 30, by='graph.data') == (True, '', None, None)


def test_a_graph_becomes_boxes_with_the_new_class():
    text, task = give('person', 1)
    assert task == 'predcls'
    boxes = parse_boxes(text, (120, 90), CLASSES, need_labels=True)
    assert [box.label for box in boxes] == [1, 0, 1]
    assert [list(box.corners) for box in boxes] == [
        item['box'] for item in GRAPH['objects']
    ]


def test_boxes_of_the_user_keep_what_they_have():
    text, task = give('tree', 0, None, 'sgcls', TEXT)
    assert task == 'predcls'
    assert text.splitlines() == [
        '5.0, 5.0, 50.0, 60.0, tree',
        '40.0, 30.0, 110.0, 80.0',
    ]


@pytest.mark.parametrize('chosen', [0, 30, 69])
def test_no_more_boxes_than_are_taken(chosen):
    boxes = [[i, 0, i + 20, 50] for i in range(70)]
    graph = fake_graph(boxes, [1] * 70, 120, 90) | dict(triplets=[])
    text, _ = give('person', chosen, graph)
    boxes = parse_boxes(text, (120, 90), CLASSES, need_labels=True)
    assert len(boxes) == MAX_BOXES
    [changed] = [box for box in boxes if box.label == 0]
    assert changed.corners[0] == chosen


@pytest.mark.parametrize(
    ('name', 'chosen'), [(None, 1), ('cat', 1), ('dog', None), ('dog', 3)]
)
def test_nothing_is_chosen(name, chosen):
    with pytest.raises(PreventUpdate):
        give(name, chosen)
