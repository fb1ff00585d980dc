"""The page in a real browser."""

import json

import numpy as np
import pytest

from fake_inferencer import image_file
from mmsgg.evaluation import read_scene_graphs

expect = pytest.importorskip('playwright.sync_api').expect


def open_file(tab, data, name='photo.png'):
    tab.set_input_files(
        '#upload input',
        dict(name=name, mimeType='image/png', buffer=data),
    )


def message(tab):
    return expect(tab.locator('#message'))


def summary(tab):
    return expect(tab.locator('#summary'))


def edges(tab, count):
    """The edges that Cytoscape holds, as [subject, predicate, object]."""
    tab.wait_for_function(
        """count => document.querySelector('#graph-view')
            ._cyreg.cy.edges().length === count""",
        arg=count,
    )
    return tab.evaluate(
        """document.querySelector('#graph-view')._cyreg.cy.edges().map(
            e => [e.source().id(), e.data('label'), e.target().id()])"""
    )


def shapes(tab, count):
    """The rectangles that plotly draws: x0, y0, x1, y1, width, opacity."""
    tab.wait_for_function(
        """count => document.querySelector('#image-view .js-plotly-plot')
            .layout.shapes?.length === count""",
        arg=count,
    )
    return tab.evaluate(
        """document.querySelector('#image-view .js-plotly-plot')
            .layout.shapes.map(s => [
                s.x0, s.y0, s.x1, s.y1, s.line.width, s.opacity])"""
    )


def tags(tab):
    return tab.locator('#image-view .annotation-text').all_text_contents()


def move_slider(tab, name, *keys):
    for key in keys:
        tab.locator(f'#{name} [role=slider]').press(key)


def hover(tab, selector):
    """Move the mouse upon an element of the graph, or away from all."""
    place = before = None
    while place is None or place != before:  # until the layout has settled
        before = place
        tab.wait_for_timeout(150)
        place = tab.evaluate(
            """selector => {
                const cy = document.querySelector('#graph-view')._cyreg.cy;
                const box = cy.container().getBoundingClientRect();
                const item = selector && cy.$(selector)[0];
                const at = !item ? {x: 3, y: 3} : item.isEdge()
                    ? item.renderedMidpoint() : item.renderedPosition();
                return [box.x + at.x, box.y + at.y]; }""",
            selector,
        )
    tab.mouse.move(*place, steps=3)


def draw(tab, *corners):
    """Draw a box, given as fractions of the image's place on the page."""
    area = tab.locator('#image-view .nsewdrag').bounding_box()
    points = [
        (area['x'] + x * area['width'], area['y'] + y * area['height'])
        for x, y in (corners[:2], corners[2:])
    ]
    tab.mouse.move(*points[0])
    tab.mouse.down()
    tab.mouse.move(*points[1], steps=4)
    tab.mouse.up()


def choose_task(tab, label):
    tab.get_by_text(label, exact=True).click()


def test_upload_sliders_and_hover(tab, fake):
    open_file(tab, image_file())
    message(tab).to_contain_text('photo.png: done in')
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    assert ['o0', 'beside', 'o1'] in edges(tab, 4)
    assert [row[4:] for row in shapes(tab, 4)] == [[2, 1]] * 4
    assert sorted(tags(tab)) == ['dog', 'person', 'traffic light', 'tree']

    move_slider(tab, 'score-thr', *['PageUp'] * 4)
    summary(tab).to_have_text('4 objects, 2 of 4 relations')
    expect(tab.locator('#score-thr-value')).to_have_text('0.50')
    assert len(edges(tab, 2)) == 2
    move_slider(tab, 'topk', 'Home')
    summary(tab).to_have_text('4 objects, 1 of 4 relations')
    assert edges(tab, 1) == [['o0', 'beside', 'o1']]
    expect(tab.locator('.triplet')).to_have_text(
        ['treebesidetraffic light0.900']
    )

    hover(tab, '[number = 0][source]')
    expect(tab.locator('#image-view .annotation-text')).to_have_count(2)
    assert sorted(tags(tab)) == ['traffic light', 'tree']
    assert [row[4:] for row in shapes(tab, 4)] == [[2, 0.35]] * 2 + [
        [4, 1]
    ] * 2
    hover(tab, None)
    expect(tab.locator('#image-view .annotation-text')).to_have_count(4)
    # it is found where it is, when the page above it has grown, too
    tab.set_viewport_size(dict(width=1400, height=700))
    hover(tab, None)
    tab.evaluate("document.querySelector('header').style.paddingTop = '70px'")
    hover(tab, '#o2')
    expect(tab.locator('#image-view .annotation-text')).to_have_text(['dog'])
    # all of it came from the one forward pass
    assert len(fake.calls) == 1
    assert fake.calls[0]['shape'] == (90, 120, 3)


def test_nodes_lie_about_as_boxes_do_and_none_hides_another(tab):
    tab.get_by_title('bright.png').click()
    edges(tab, 4)
    hover(tab, '#o2')  # waits for the layout
    boxes = np.array(
        tab.evaluate(
            """document.querySelector('#graph-view')._cyreg.cy.nodes().map(
                n => n.boundingBox({includeOverlays: false})).map(
                b => [b.x1, b.y1, b.x2, b.y2])"""
        )
    )
    x, y = ((boxes[:, :2] + boxes[:, 2:]) / 2).T
    # they lie as the corners of a square: 0 1
    #                                      3 2
    assert max(x[0], x[3]) < min(x[1], x[2])
    assert max(y[0], y[1]) < min(y[2], y[3])
    apart = np.maximum(
        boxes[:, None, :2] - boxes[:, 2:], boxes[:, :2] - boxes[:, None, 2:]
    ).max(-1)
    assert (apart[~np.eye(4, dtype=bool)] > 0).all()


def test_the_list_points_to_objects(tab):
    tab.get_by_title('bright.png').click()
    tab.locator('.triplet').nth(1).click()
    expect(tab.locator('#image-view .annotation-text')).to_have_count(2)
    assert sorted(tags(tab)) == ['dog', 'traffic light']


def test_another_image_has_its_own_graph(tab, fake):
    tab.get_by_title('bright.png').click()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    tab.get_by_title('dark.png').click()
    summary(tab).to_have_text('3 objects, 3 of 3 relations')
    assert sorted(edges(tab, 3)) == [
        ['o0', 'beside', 'o1'],
        ['o1', 'on', 'o2'],
        ['o2', 'beside', 'o0'],
    ]
    assert len(shapes(tab, 3)) == 3
    assert len(fake.calls) == 2


def test_download(tab, tmp_path):
    tab.get_by_title('bright.png').click()
    move_slider(tab, 'score-thr', *['PageUp'] * 4)
    summary(tab).to_have_text('4 objects, 2 of 4 relations')
    with tab.expect_download() as event:
        tab.get_by_text('Download JSON').click()
    assert event.value.suggested_filename == 'bright.json'
    path = tmp_path / 'bright.json'
    event.value.save_as(path)
    assert json.loads(path.read_text())['format'] == 'mmsgg-scene-graphs'
    [graph] = read_scene_graphs(path)
    assert graph['file_name'] == 'bright.png'
    assert (graph['width'], graph['height']) == (120, 90)
    assert [item['score'] for item in graph['triplets']] == [0.9, 0.6]


def test_a_bad_upload_gives_a_message(tab, fake):
    for data, text in (
        (b'words', "'bad.png' is not an image"),
        (image_file()[:90], "'bad.png' is damaged"),
        (image_file((2000, 600)), '2000 x 600 pixels, 1.2 million; at most 1'),
        (bytes(250_000), "'bad.png' has 0.2 MB; at most 0.2 MB"),
        (bytes(3_000_000), "'bad.png' has 2.9 MB; at most 0.2 MB"),
    ):
        open_file(tab, data, 'bad.png')
        message(tab).to_contain_text(text)
        expect(tab.locator('#message .error')).to_be_visible()
    assert fake.calls == []
    # and the page goes on
    open_file(tab, image_file())
    message(tab).to_contain_text('done in')


def test_draw_boxes_for_sgcls(tab, fake):
    choose_task(tab, 'My boxes')
    tab.get_by_title('dark.png').click()
    message(tab).to_contain_text('Draw boxes')
    draw(tab, 0.1, 0.2, 0.4, 0.9)
    expect(tab.locator('#image-view .annotation-text')).to_have_text(['1'])
    draw(tab, 0.9, 0.8, 0.5, 0.1)  # from the lower right
    expect(tab.locator('#image-view .annotation-text')).to_have_text(
        ['1', '2']
    )
    tab.get_by_text('Find relations').click()
    summary(tab).to_have_text('2 objects, 2 of 2 relations')
    [made] = fake.calls
    assert made['task'] == 'sgcls'
    expected = np.array([[12, 18, 48, 81], [60, 9, 108, 72]])
    assert made['boxes'] == pytest.approx(expected, abs=1.0)
    drawn = np.array([row[:4] for row in shapes(tab, 2)])
    assert drawn == pytest.approx(made['boxes'], abs=0.01)

    tab.get_by_text('Remove last').click()
    expect(tab.locator('#image-view .annotation-text')).to_have_text(['1'])
    summary(tab).to_have_text('')  # the graph of other boxes is gone
    tab.get_by_text('Clear').click()
    expect(tab.locator('#boxes')).to_have_value('')


def test_paste_boxes_for_predcls(tab, fake):
    choose_task(tab, 'My boxes and classes')
    tab.get_by_title('bright.png').click()
    message(tab).to_contain_text('Choose a class')
    tab.fill('#boxes', '10, 10, 50, 60, dog\n40 20 110 80 traffic lihgt')
    tab.get_by_text('Find relations').click()
    message(tab).to_contain_text(
        "line 2: unknown class 'traffic lihgt'; near it: traffic light"
    )
    tab.fill('#boxes', '10, 10, 50, 60, dog\n40 20 110 80 traffic light')
    tab.get_by_text('Find relations').click()
    summary(tab).to_have_text('2 objects, 2 of 2 relations')
    [made] = fake.calls
    assert made['task'] == 'predcls'
    assert made['boxes'].tolist() == [[10, 10, 50, 60], [40, 20, 110, 80]]
    assert made['labels'].tolist() == [1, 2]


def test_a_drawn_box_gets_the_chosen_class(tab):
    choose_task(tab, 'My boxes and classes')
    tab.get_by_title('bright.png').click()
    message(tab).to_contain_text('Choose a class')
    tab.click('#class')
    tab.get_by_role('option', name='tree').click()
    draw(tab, 0.1, 0.1, 0.4, 0.4)
    expect(tab.locator('#image-view .annotation-text')).to_have_text(['tree'])
    assert tab.input_value('#boxes').endswith(', tree')


def test_a_failure_of_the_model_gives_a_message(tab, fake):
    tab.get_by_title('bright.png').click()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    fake.error = RuntimeError('boom')
    tab.get_by_title('dark.png').click()
    message(tab).to_contain_text('This failed (RuntimeError)')
    summary(tab).to_have_text('')
    assert edges(tab, 0) == []


def test_no_image_yet(tab, fake):
    tab.get_by_text('Find relations').click()
    message(tab).to_have_text('Open an image first.')
    expect(tab.locator('#download')).to_be_disabled()
    expect(tab.locator('#given')).to_be_hidden()
    assert fake.calls == []
