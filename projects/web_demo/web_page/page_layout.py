"""What stands on the page, and where; callbacks fill it."""

from collections.abc import Mapping, Sequence

import dash_cytoscape as cyto
from dash import dcc, html
from dash.development.base_component import Component

from .graph_view import NODE_LAYOUT, graph_stylesheet
from .image_view import image_figure
from .limits import MAX_TRIPLETS, UploadLimits
from .shown_graph import Focus

TASKS = dict(
    sgdet='Detect objects',
    sgcls='My boxes',
    predcls='My boxes and classes',
)
HINTS = dict(
    sgdet='The model finds the objects (sgdet).',
    sgcls='Draw boxes on the image; the model names them (sgcls).',
    predcls='Choose a class, draw its box; the model relates them (predcls).',
)
DOWNLOADS = dict(GraphML='the graph', PNG='its picture', SVG='its picture')
"""Beside JSON."""
SCORE_THR, TOPK = 0.1, 20


def page_layout(
    name: str,
    classes: Sequence[str],
    task: str,
    thumbnails: Mapping[str, str],
    limits: UploadLimits,
) -> Component:
    """The whole page as a tree of components.

    Args:
        name: Of the model.
        classes: Names of the object classes.
        task: The task chosen at first.
        thumbnails: URLs of the examples made small, by name.
        limits: For uploads.
    """
    return html.Div(
        [
            _header(name, task),
            html.Main(
                [
                    html.Section(
                        [
                            _source(thumbnails, limits),
                            _image_view(),
                            _boxes(classes),
                        ],
                        className='card',
                    ),
                    html.Section(
                        [_filters(), _graph_view(), _triplets()],
                        className='card',
                    ),
                ]
            ),
            _camera(),
            dcc.Store(id='max-bytes', data=limits.max_bytes),
            dcc.Store(id='clicked'),
            dcc.Store(id='chosen'),
            dcc.Store(id='uploaded'),
            dcc.Store(id='source'),
            dcc.Store(id='graph'),
            dcc.Download(id='file'),
        ],
        id='page',
    )


def _header(name: str, task: str) -> Component:
    return html.Header(
        [
            html.H1(['mm', html.B('sgg'), ' scene graphs']),
            dcc.RadioItems(
                id='task',
                options=[
                    dict(value=value, label=label, title=HINTS[value])
                    for value, label in TASKS.items()
                ],
                value=task,
                className='segments',
            ),
            html.Span(name, className='model', title='the model'),
        ]
    )


def _source(thumbnails: Mapping[str, str], limits: UploadLimits) -> Component:
    """Where images come from, and what there is to say about them."""
    examples = [
        html.Button(
            html.Img(src=url, alt=name),
            id=dict(type='example', name=name),
            title=name,
            className='example',
        )
        for name, url in thumbnails.items()
    ]
    upload = dcc.Upload(
        [
            html.B('Open an image'),
            html.Span('or drop or paste it here'),
            html.Span(
                f'up to {limits.max_bytes / 2**20:.3g} MB, '
                f'{limits.max_pixels / 1e6:.3g} megapixels'
            ),
        ],
        id='upload',
        className='upload',
        className_active='upload active',
        style_active={},
    )
    return html.Div(
        [
            upload,
            html.Button('Camera', id='camera', className='quiet'),
            html.Div(examples, className='examples'),
        ],
        className='top row',
    )


def _camera() -> Component:
    """A window with what the camera sees; ``page.js`` fills it."""
    return html.Dialog(
        [
            html.Video(id='camera-view', autoPlay=True, muted=True),
            html.Div(
                [
                    html.Button('Take the picture', id='camera-take'),
                    html.Button('Cancel', id='camera-end', className='quiet'),
                ],
                className='row',
            ),
        ],
        id='camera-window',
    )


def _image_view() -> Component:
    return html.Div(
        [
            dcc.Graph(
                id='image-view',
                figure=image_figure(),
                config=dict(displayModeBar=False, doubleClick=False),
                responsive=True,
            ),
            html.Div(
                [html.Span(className='spinner'), 'Looking at the image ...'],
                id='busy',
                className='busy',
                role='status',
            ),
        ],
        className='view',
    )


def _boxes(classes: Sequence[str]) -> Component:
    """The message, and the boxes of the user below it."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id='message', className='message', role='status'),
                    html.Button('Find relations', id='predict'),
                ],
                className='row',
            ),
            html.Div(
                [
                    html.Span(id='chosen-name'),
                    dcc.Dropdown(
                        list(classes),
                        id='new-class-choice',
                        placeholder='another class',
                    ),
                ],
                id='new-class',
                className='row',
                hidden=True,
            ),
            html.Div(
                [
                    _box_tools(classes),
                    dcc.Textarea(
                        id='boxes',
                        value='',
                        title='Boxes as text',
                        spellCheck=False,
                        placeholder='one box a line, drawn or pasted:\n'
                        'x1, y1, x2, y2, class',
                    ),
                ],
                id='given',
                className='row',
            ),
        ],
        className='bottom',
    )


def _box_tools(classes: Sequence[str]) -> Component:
    choice = dcc.Dropdown(
        list(classes),
        classes[0] if classes else None,
        id='class',
        clearable=False,
    )
    return html.Div(
        [
            html.Div(choice, id='class-choice'),
            html.Button('Remove last', id='undo', className='quiet'),
            html.Button('Clear', id='clear', className='quiet'),
            html.Button('Undo', id='back', className='quiet', disabled=True),
        ],
        className='tools',
    )


def _filters() -> Component:
    def slider(
        label: str,
        name: str,
        low: float,
        high: float,
        step: float,
        value: float,
    ) -> Component:
        return html.Div(
            [
                html.Label([label, html.B(id=f'{name}-value')]),
                dcc.Slider(
                    low,
                    high,
                    step,
                    id=name,
                    value=value,
                    marks=None,
                    updatemode='drag',
                    # a number typed between two steps would show, not act
                    allow_direct_input=False,
                ),
            ],
            className='slider',
        )

    return html.Div(
        [
            slider('Least score', 'score-thr', 0, 1, 0.01, SCORE_THR),
            slider('Most relations', 'topk', 1, MAX_TRIPLETS, 1, TOPK),
        ],
        className='top row',
    )


def _graph_view() -> Component:
    return html.Div(
        [
            cyto.Cytoscape(
                id='graph-view',
                elements=[],
                layout=NODE_LAYOUT,
                stylesheet=graph_stylesheet(Focus()),
                style=dict(width='100%', height='100%'),
                minZoom=0.2,
                maxZoom=1.6,
                boxSelectionEnabled=False,
                clearOnUnhover=True,
            ),
            html.Div(id='empty', className='empty'),
            html.Div(id='stale', className='busy'),
        ],
        className='view',
    )


def _triplets() -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id='summary', className='summary'),
                    html.Div(
                        [
                            html.Button(
                                'Download JSON', id='download', disabled=True
                            ),
                            *(
                                html.Button(
                                    name,
                                    id=f'download-{name.lower()}',
                                    title=f'Download {what} as {name}',
                                    className='quiet',
                                    disabled=True,
                                )
                                for name, what in DOWNLOADS.items()
                            ),
                        ],
                        className='downloads',
                    ),
                ],
                className='row',
            ),
            dcc.RadioItems(id='triplets', options=[], className='triplets'),
        ],
        className='bottom',
    )
