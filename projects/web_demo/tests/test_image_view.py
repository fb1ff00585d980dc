import base64
import io

import numpy as np
import pytest
from PIL import Image

from mmsgg.visualization.labels import text_size
from web_page.image_view import (
    BoxMark,
    image_figure,
    marks_layout,
)
from web_page.images import data_url

SIZE = (1260, 940)  # twice as large as it is shown


def mark(box, text='person-0', state='plain'):
    return BoxMark(box, text, '#010203', 'white', state)


def test_data_url_shrinks_and_keeps_colours():
    image = np.zeros((300, 400, 3), np.uint8)
    image[:, 200:] = [250, 120, 10]
    url = data_url(image, max_side=100)
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(',')[2])))
    assert picture.size == (100, 75)
    shown = np.asarray(picture).astype(int)
    assert np.abs(shown[:, :40]).max() < 8
    assert np.abs(shown[:, 60:] - [250, 120, 10]).max() < 8


def test_axes_are_image_pixels():
    figure = image_figure(np.zeros((30, 40, 3), np.uint8))
    assert figure.layout.xaxis.range == (0, 40)
    assert figure.layout.yaxis.range == (30, 0)
    [picture] = figure.layout.images
    assert (picture.sizex, picture.sizey) == (40, 30)


def test_names_of_boxes_at_the_same_place_do_not_hide_one_another():
    layout = marks_layout([mark((100, 100, 600, 500))] * 4, SIZE)
    width, height = (2 * side for side in text_size('person-0', 12))
    corners = np.array([[tag['x'], tag['y']] for tag in layout['annotations']])
    apart = np.abs(corners[:, None] - corners) >= [width, height]
    assert (apart.any(-1) | np.eye(4, dtype=bool)).all()


@pytest.mark.parametrize(
    'box', [(0, 0, 5, 5), (1255, 935, 1260, 940), (0, 0, 1260, 940)]
)
def test_names_stay_inside_the_image(box):
    [tag] = marks_layout([mark(box)], SIZE)['annotations']
    width, height = (2 * side for side in text_size('person-0', 12))
    assert 0 <= tag['x'] <= 1260 - width
    assert 0 <= tag['y'] <= 940 - height


def test_focus_lies_on_top_and_moves_no_name():
    boxes = [(100, 100, 600, 500), (105, 102, 640, 510), (90, 90, 580, 480)]
    plain = marks_layout([mark(box) for box in boxes], SIZE)['annotations']
    states = ('focus', 'dim', 'focus')
    layout = marks_layout(
        [
            mark(box, state=state)
            for box, state in zip(boxes, states, strict=True)
        ],
        SIZE,
    )
    assert layout['annotations'] == [plain[0], plain[2]]
    assert [shape['x0'] for shape in layout['shapes']] == [105, 100, 90]
    assert layout['shapes'][0]['opacity'] < 1


def test_no_marks():
    assert marks_layout([], SIZE) == dict(shapes=[], annotations=[])
