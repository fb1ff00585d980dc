import numpy as np

from fake_inferencer import fake_graph
from web_page.shown_graph import (
    Focus,
    focus_on_object,
    focus_on_triplet,
    object_names,
    shown_graph,
)


def graph(count=4, labels=None):
    boxes = np.arange(4.0 * count).reshape(count, 4)
    return fake_graph(boxes, np.arange(count) if labels is None else labels)


def scores(shown):
    return [item['score'] for item in shown['triplets']]


def test_sliders_choose_the_best_triplets():
    assert scores(shown_graph(graph(), 0.0, 100)) == [0.9, 0.6, 0.4, 0.2]
    assert scores(shown_graph(graph(), 0.4, 100)) == [0.9, 0.6, 0.4]
    assert scores(shown_graph(graph(), 0.0, 1)) == [0.9]
    assert scores(shown_graph(graph(), 1.0, 100)) == []


def test_no_graph_and_small_graphs():
    assert shown_graph(None, 0.1, 20)['objects'] == []
    assert shown_graph(graph(0), 0.1, 20)['triplets'] == []
    assert len(shown_graph(graph(1), 0.1, 20)['objects']) == 1


def test_weak_objects_show_where_they_are_related_or_given():
    weak = graph()
    for item in weak['objects'][1:]:
        item['score'] = 0.2

    def shown(*args):
        return [item['id'] for item in shown_graph(weak, *args)['objects']]

    assert shown(0.05, 1) == [0, 1]
    assert shown(0.05, 100) == [0, 1, 2, 3]
    assert shown(1.0, 100) == [0]
    assert shown(1.0, 100, 'sgcls') == [0, 1, 2, 3]


def test_the_graph_given_stays_as_it_is():
    given = graph()
    shown_graph(given, 0.5, 1)
    assert given == graph()


def test_names_tell_twins_apart():
    names = object_names(graph(3, labels=[1, 0, 1]))
    assert names == {0: 'dog-0', 1: 'person', 2: 'dog-2'}
    unnamed = graph(1)
    unnamed['objects'][0]['name'] = None
    assert object_names(unnamed) == {0: '0'}


def test_focus():
    assert focus_on_triplet(graph(), 1) == Focus(frozenset([1, 2]), {1})
    assert focus_on_triplet(graph(), 4) == Focus()
    assert focus_on_object(graph(), 0) == Focus(frozenset([0]), {0, 3})
