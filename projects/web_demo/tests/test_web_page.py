"""The page in a real browser."""

import base64
import json
import re
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pytest
from PIL import Image

from fake_inferencer import fake_graph, image_file
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


def test_labels_of_edges_that_cross_stand_apart(tab):
    corners = np.array([[0, 0], [80, 0], [80, 80], [0, 80]])
    graph = fake_graph(np.hstack([corners, corners + 20]), range(4), 100, 100)
    graph['triplets'] = [
        dict(graph['triplets'][0], subject_id=i, object_id=i + 2)
        for i in range(2)
    ]
    tab.get_by_title('bright.png').click()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    tab.evaluate(
        "graph => dash_clientside.set_props('graph', {data: graph})", graph
    )
    edges(tab, 2)
    hover(tab, None)  # waits for the layout
    one, other = np.array(
        tab.evaluate(
            """document.querySelector('#graph-view')._cyreg.cy.edges().map(
                e => e.boundingBox({includeEdges: false})).map(
                b => [b.x1, b.y1, b.x2, b.y2])"""
        )
    )
    assert np.ptp(one[::2]) < 80  # of the labels alone
    assert (np.maximum(one, other)[:2] > np.minimum(one, other)[2:]).any()


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


SPILLING = """[...document.querySelectorAll('#page *')].filter(
    e => e.getBoundingClientRect().right > innerWidth + 1
        && e.checkVisibility() && !e.closest('.view, .examples')
    ).map(e => e.id || e.className)"""

OVER_THE_EDGE = """[...document.querySelectorAll('.upload > *')].filter(e => {
    const [inner, outer] = [e, e.parentElement].map(
        e => e.getBoundingClientRect());
    return inner.height
        && (inner.top < outer.top || inner.bottom > outer.bottom);
    }).map(e => e.textContent)"""

# of words to what is behind them, after the rules for accessible pages
CONTRASTS = """selectors => {
    const parts = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => {
        const [r, g, b] = parts(color).map(v => v / 255).map(
            v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05; };
    const ground = e => {
        const color = getComputedStyle(e).backgroundColor;
        return parts(color)[3] === 0 ? ground(e.parentElement) : color; };
    return selectors.map(selector => {
        const e = document.querySelector(selector);
        const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
        return [selector, Math.max(a, b) / Math.min(a, b)]; }); }"""

WORDS = [
    *('h1', '.segments label', '.segments label:has(:checked)', '.model'),
    *('.upload b', '.upload span', '#camera', '#message', '#predict'),
    *('#class', '#boxes', '#clear', '.slider label', '#summary', '#download'),
    *('#download-png', '.chip', '.predicate', '.score'),
]


def test_three_widths_light_and_dark(tab):
    choose_task(tab, 'My boxes and classes')
    open_file(tab, image_file(), 'a-long-name-' * 9 + '.png')
    message(tab).to_contain_text('Choose a class')
    tab.fill('#boxes', '10, 10, 50, 60, dog\n40 20 110 80 traffic light')
    tab.get_by_text('Find relations').click()
    message(tab).to_contain_text('done in')
    expect(tab.locator('.chip')).to_have_count(4)
    grounds = set()
    for scheme in ('light', 'dark'):
        tab.emulate_media(color_scheme=scheme)
        for width in (1400, 800, 390):
            tab.set_viewport_size(dict(width=width, height=900))
            assert tab.evaluate(SPILLING) == []
            assert tab.evaluate(OVER_THE_EDGE) == []
            assert tab.evaluate('document.body.scrollWidth') <= width
            area = tab.locator('#graph-view').bounding_box()
            assert area['width'] > min(0.8 * width, 400)
        contrasts = tab.evaluate(CONTRASTS, WORDS)
        assert [item for item in contrasts if item[1] < 4.3] == []
        grounds.add(tab.evaluate('getComputedStyle(document.body).background'))
    assert len(grounds) == 2


def test_sliders_have_names(tab):
    for name, value in (('Least score', '0.1'), ('Most relations', '20')):
        slider = tab.get_by_role('slider', name=name)
        expect(slider).to_have_attribute('aria-valuenow', value)


def test_downloads_open(tab, tmp_path):
    buttons = tab.locator('.downloads button')
    assert [button.is_disabled() for button in buttons.all()] == [True] * 4
    tab.get_by_title('bright.png').click()
    edges(tab, 4)
    paths = {}
    for name in ('GraphML', 'PNG', 'SVG'):
        with tab.expect_download() as event:
            tab.get_by_text(name, exact=True).click()
        file = event.value.suggested_filename
        assert file == f'bright.{name.lower()}'
        paths[name] = tmp_path / file
        event.value.save_as(paths[name])
    graph = nx.read_graphml(paths['GraphML'])
    assert (len(graph.nodes), len(graph.edges)) == (4, 4)
    with Image.open(paths['PNG']) as picture:
        pixels = np.asarray(picture.convert('RGB'))
    assert min(pixels.shape[:2]) > 200
    colors = tab.evaluate(
        """document.querySelector('#graph-view')._cyreg.cy.nodes().map(
            n => n.data('color'))"""
    )
    for color in colors:
        rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert (pixels == rgb).all(-1).sum() > 500
    texts = [*ElementTree.parse(paths['SVG']).getroot().itertext()]
    assert {'dog', 'tree', 'beside', 'on'} <= {text.strip() for text in texts}


def test_an_image_is_pasted(tab, fake):
    data = base64.b64encode(image_file(color='black')).decode()
    tab.evaluate(
        """async data => {
            const blob = await (await fetch(
                'data:image/png;base64,' + data)).blob();
            const clipboardData = new DataTransfer();
            clipboardData.items.add(
                new File([blob], 'image.png', {type: blob.type}));
            document.body.dispatchEvent(new ClipboardEvent(
                'paste', {clipboardData, bubbles: true})); }""",
        data,
    )
    message(tab).to_contain_text('image.png: done in')
    summary(tab).to_have_text('3 objects, 3 of 3 relations')
    assert fake.calls[0]['shape'] == (90, 120, 3)


def test_a_picture_is_taken(tab, fake):
    window = tab.locator('#camera-window')
    tab.get_by_text('Camera', exact=True).click()
    message(tab).to_contain_text('There is no camera')  # not permitted
    tab.context.grant_permissions(['camera'])
    streaming = "() => document.querySelector('#camera-view').videoWidth"
    tab.get_by_text('Camera', exact=True).click()
    tab.wait_for_function(streaming)
    tab.keyboard.press('Escape')
    expect(window).to_be_hidden()
    assert (
        tab.evaluate("document.querySelector('#camera-view').srcObject")
        is None
    )
    tab.get_by_text('Camera', exact=True).click()
    tab.wait_for_function(streaming)
    tab.get_by_text('Take the picture').click()
    message(tab).to_contain_text('camera.jpg: done in')
    expect(window).to_be_hidden()
    assert len(fake.calls) == 1


def test_a_box_gets_another_class_and_the_step_is_taken_back(tab, fake):
    tab.get_by_title('bright.png').click()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    expect(tab.locator('#new-class')).to_be_hidden()
    area = tab.locator('#image-view .nsewdrag').bounding_box()
    tab.mouse.click(
        area['x'] + 0.3 * area['width'], area['y'] + 0.35 * area['height']
    )
    expect(tab.locator('#chosen-name')).to_have_text('tree is')
    tab.click('#new-class-choice')
    tab.get_by_role('option', name='dog', exact=True).click()
    expect(tab.locator('#boxes')).to_have_value(
        '12.0, 9.0, 54.0, 40.5, dog\n60.0, 9.0, 102.0, 40.5, traffic light\n'
        '60.0, 54.0, 102.0, 85.5, dog\n12.0, 54.0, 54.0, 85.5, person'
    )
    summary(tab).to_have_text('')
    tab.get_by_text('Find relations').click()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    assert fake.calls[-1]['task'] == 'predcls'
    assert fake.calls[-1]['labels'].tolist() == [1, 2, 1, 0]
    tab.get_by_text('Clear').click()
    expect(tab.locator('#boxes')).to_have_value('')
    tab.get_by_text('Undo').click()
    expect(tab.locator('#boxes')).to_have_value(re.compile('dog\n60'))
    tab.get_by_text('Undo').click()
    expect(tab.locator('#given')).to_be_hidden()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    assert fake.calls[-1]['task'] == 'sgdet'


def test_many_nodes_lie_as_their_boxes_and_apart(tab):
    corners = np.random.default_rng(0).uniform(0, 90, (100, 2))
    graph = fake_graph(np.hstack([corners, corners + 10]), [1] * 100, 100, 100)
    tab.get_by_title('bright.png').click()
    summary(tab).to_have_text('4 objects, 4 of 4 relations')
    tab.evaluate(
        "graph => dash_clientside.set_props('graph', {data: graph})", graph
    )
    summary(tab).to_have_text('100 objects, 4 of 4 relations')
    hover(tab, None)  # waits for the layout
    places = np.array(
        tab.evaluate(
            """document.querySelector('#graph-view')._cyreg.cy.nodes().map(
                n => [n.position('x'), n.position('y')])"""
        )
    )
    apart = np.abs(places[:, None] - places)
    assert (apart[np.triu_indices(100, 1)] > [60, 32]).any(-1).all()
    for axis in (0, 1):
        assert np.corrcoef(corners[:, axis], places[:, axis])[0, 1] > 0.9
