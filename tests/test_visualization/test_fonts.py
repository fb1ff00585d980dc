"""Names in any script, and names that are none."""

import warnings

import numpy as np
import pytest
import torch
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, rcParams
from mmengine.structures import InstanceData

from mmsgg.structures import SGDataSample
from mmsgg.visualization import SGLocalVisualizer, draw_graph, fonts
from mmsgg.visualization.labels import text_size

DOG, UNKNOWN = '\u72ac', '\u72fc'  # a dog and a wolf in Chinese


@pytest.fixture(autouse=True)
def no_other_fonts(monkeypatch):
    """Only what comes with matplotlib, whatever this machine has."""
    own = [
        entry
        for entry in font_manager.fontManager.ttflist
        if 'mpl-data' in entry.fname
    ]
    monkeypatch.setattr(font_manager.fontManager, 'ttflist', own)
    monkeypatch.setattr(font_manager, 'findSystemFonts', list)
    cached = (fonts.fit_text, fonts._warn, text_size)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def write_font(path, name, width=2000):
    """A font whose only character, the dog, is a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    font = FontBuilder(1000)
    glyphs = {'.notdef': TTGlyphPen(None).glyph(), 'dog': pen.glyph()}
    font.setupGlyphOrder(list(glyphs))
    font.setupCharacterMap({ord(DOG): 'dog'})
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (width, 0)))
    font.setupHorizontalHeader(ascent=1000, descent=0)
    font.setupNameTable(dict(familyName=name, styleName='Regular'))
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return str(path)


def draw(name, **kwargs):
    sample = SGDataSample()
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[10.0, 10, 60, 60], [90, 90, 120, 120]]),
        labels=torch.tensor([0, 1]),
    )
    sample.gt_relations = InstanceData(
        pairs=torch.tensor([[0, 1]]), labels=torch.tensor([0])
    )
    visualizer = SGLocalVisualizer(with_graph=True, **kwargs)
    visualizer.dataset_meta = dict(classes=(name, 'tree'), predicates=(name,))
    image = np.full((128, 128, 3), 90, np.uint8)
    visualizer.add_datasample('image', image, sample)
    return visualizer.get_image()


@pytest.mark.parametrize(
    'name',
    [
        'traffic\nlight',
        'a\r\n\tb',
        'nul\0',
        '\x1b[31m',
        '\ud800',
        '\u2028',
        '',
    ],
)
def test_names_of_any_characters_are_drawn(name):
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        assert draw(name).std() > 0


def test_a_name_is_one_line():
    assert (draw('traffic\n\x1blight') == draw('traffic light')).all()


def test_an_installed_font_draws_what_ours_lacks(tmp_path):
    assert fonts.fit_text(f'{DOG}-0').missing == DOG
    font_manager.fontManager.addfont(
        write_font(tmp_path / 'a.ttf', 'Test CJK')
    )
    fonts.fit_text.cache_clear()
    text_size.cache_clear()
    families = (fonts.FONT, 'Test CJK')
    assert fonts.fit_text(f'{DOG}-0') == (f'{DOG}-0', families, '')
    assert text_size(DOG)[0] > text_size('X')[0] + 10
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        draw(DOG)
        graph = dict(
            objects=[dict(id=0, label=3, name=DOG, box=[0, 0, 9, 9])],
            triplets=[dict(subject_id=0, object_id=0, label=0, name=DOG * 3)],
        )
        picture = draw_graph(graph)
    # squares of one em side: four of them, in a node and at an arrow
    black = (picture < 60).all(-1)
    assert black.sum() > 3 * 12**2


def test_a_font_that_matplotlib_has_not_listed_is_found(tmp_path, monkeypatch):
    path = write_font(tmp_path / 'new.ttf', 'Test New')
    (tmp_path / 'broken.ttf').write_text('no font')
    monkeypatch.setattr(
        font_manager,
        'findSystemFonts',
        lambda: [str(tmp_path / 'broken.ttf'), path],
    )
    assert fonts.fit_text(DOG).families == (fonts.FONT, 'Test New')


def test_the_setting_of_matplotlib_chooses(tmp_path, monkeypatch):
    for name in ('Test Sans A', 'Test Sans B'):
        path = write_font(tmp_path / f'{name}.ttf', name)
        font_manager.fontManager.addfont(path)
    assert fonts.fit_text(DOG).families[1] == 'Test Sans A'
    fonts.fit_text.cache_clear()
    monkeypatch.setitem(rcParams, 'font.sans-serif', ['Test Sans B'])
    assert fonts.fit_text(DOG).families[1] == 'Test Sans B'
    assert fonts.fit_text('dog').families == (fonts.FONT,)


def test_what_no_font_has_is_said_once():
    with pytest.warns(UserWarning, match='no installed font.*CJK') as log:
        picture = draw(DOG)
        other = draw(UNKNOWN)
    assert len(log) == 1
    assert (picture == other).all()  # a box each


def test_what_does_not_draw_leaves_the_image(tmp_path, monkeypatch):
    monkeypatch.setattr(SGLocalVisualizer, '_draw_list', None)
    with pytest.warns(UserWarning, match='graph of image could not be drawn'):
        picture = draw('dog')
    assert (picture == 90).all()
