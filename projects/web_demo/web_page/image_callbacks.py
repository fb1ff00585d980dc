"""From an upload or an example to a graph.

The server keeps nothing between requests: image, boxes and graph lie in the
browser and travel with each request, so that memory does not grow with the
number of visitors.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from dash import (
    ALL,
    ClientsideFunction,
    Dash,
    Input,
    Output,
    State,
    ctx,
    html,
    no_update,
)
from dash.exceptions import PreventUpdate

from .image_view import image_figure
from .images import decode_upload, read_image
from .limits import MAX_TEXT, UploadLimits, fitting_graph
from .page_layout import HINTS
from .predictor import Predictor
from .user_boxes import UserBox, drawn_corners, format_box, parse_boxes

logger = logging.getLogger(__name__)

Source = dict[str, Any]
"""The image that is shown: ``name``, ``size`` [width, height], ``example``."""


class ImageCallbacks:
    """Opens images, edits the user's boxes and calls the model.

    Args:
        predictor: The model.
        examples: Images of the server, by name.
        limits: The largest image to take.
    """

    def __init__(
        self,
        predictor: Predictor,
        examples: Mapping[str, Path],
        limits: UploadLimits,
    ) -> None:
        self.predictor = predictor
        self.examples = examples
        self.limits = limits

    def register(self, app: Dash) -> None:
        """Connect the methods to the page."""
        self._register_images(app)
        self._register_boxes(app)
        app.callback(
            Output('graph', 'data'),
            Output('message', 'children', allow_duplicate=True),
            Input('predict', 'n_clicks'),
            Input('source', 'data'),
            Input('task', 'value'),
            Input('boxes', 'value'),
            State('uploaded', 'data'),
            running=[
                (Output('busy', 'className'), 'busy on', 'busy'),
                (Output('stale', 'className'), 'busy on', 'busy'),
                (Output('predict', 'disabled'), True, False),
            ],
            prevent_initial_call='initial_duplicate',
        )(self.predict)

    def _register_images(self, app: Dash) -> None:
        app.clientside_callback(
            ClientsideFunction('mmsgg', 'takeUpload'),
            Output('uploaded', 'data'),
            Output('message', 'children'),
            Input('upload', 'contents'),
            State('upload', 'filename'),
            State('max-bytes', 'data'),
            prevent_initial_call=True,
        )
        app.callback(
            Output('image-view', 'figure'),
            Output('source', 'data'),
            Output('boxes', 'value'),
            Output('message', 'children', allow_duplicate=True),
            Input('uploaded', 'data'),
            Input(dict(type='example', name=ALL), 'n_clicks'),
            prevent_initial_call=True,
        )(self.open_image)

    def _register_boxes(self, app: Dash) -> None:
        app.callback(
            Output('boxes', 'value', allow_duplicate=True),
            Input('image-view', 'relayoutData'),
            Input('undo', 'n_clicks'),
            Input('clear', 'n_clicks'),
            State('boxes', 'value'),
            State('task', 'value'),
            State('class', 'value'),
            prevent_initial_call=True,
        )(self.edit_boxes)
        app.clientside_callback(
            ClientsideFunction('mmsgg', 'remember'),
            Output('back', 'disabled'),
            Input('boxes', 'value'),
            Input('task', 'value'),
            Input('source', 'data'),
        )
        app.clientside_callback(
            ClientsideFunction('mmsgg', 'stepBack'),
            Output('boxes', 'value', allow_duplicate=True),
            Output('task', 'value', allow_duplicate=True),
            Input('back', 'n_clicks'),
            prevent_initial_call=True,
        )
        app.callback(
            Output('given', 'hidden'),
            Output('class-choice', 'hidden'),
            Input('task', 'value'),
        )(self.choose_task)

    def open_image(
        self, uploaded: dict | None, clicks: list[int | None]
    ) -> tuple:
        """Show an image; on a bad one show a message instead."""
        clicked = ctx.triggered_id
        if isinstance(clicked, dict) and any(clicks):
            source = dict(name=clicked['name'], example=True)
        elif isinstance(clicked, str) and uploaded is not None:
            source = dict(name=uploaded['name'], example=False)
        else:  # the buttons have just been made
            raise PreventUpdate
        try:
            with self.predictor.slot():
                image = self.read(source, uploaded)
                figure = image_figure(image)
        except ValueError as error:
            return image_figure(), None, '', error_message(error)
        source['size'] = [image.shape[1], image.shape[0]]
        return figure, source, '', no_update

    def read(self, source: Source, uploaded: dict | None) -> np.ndarray:
        """The pixels of an image.

        Args:
            source: Which image it is.
            uploaded: ``contents`` of an upload.

        Returns:
            (H, W, 3) RGB uint8.

        Raises:
            ValueError: With a message for the user.
        """
        name = source['name']
        if uploaded is not None and not source['example']:
            return decode_upload(uploaded['contents'], name, self.limits)
        if name not in self.examples:
            raise ValueError(f"There is no example '{name}'.")
        return read_image(self.examples[name], self.limits)

    def edit_boxes(
        self,
        drawn: dict | None,
        undo: int | None,
        clear: int | None,
        text: str | None,
        task: str,
        name: str | None,
    ) -> str:
        """Add the box that was drawn, or remove boxes."""
        text = (text or '')[:MAX_TEXT]
        lines = [line for line in text.splitlines() if line.strip()]
        if ctx.triggered_id == 'clear':
            return ''
        if ctx.triggered_id == 'undo':
            return '\n'.join(lines[:-1])
        corners = drawn_corners(drawn)
        if corners is None:
            raise PreventUpdate
        return '\n'.join(
            [*lines, format_box(corners, name if task == 'predcls' else None)]
        )

    def choose_task(self, task: str) -> tuple[bool, bool]:
        """Offer boxes and classes where the task takes them."""
        return task == 'sgdet', task != 'predcls'

    def predict(
        self,
        clicks: int | None,
        source: Source | None,
        task: str,
        text: str | None,
        uploaded: dict | None,
    ) -> tuple:
        """Predict a graph, or drop the one whose image or boxes are gone."""
        asked = 'predict' in ctx.triggered_prop_ids.values()
        if source is None:
            return None, 'Open an image first.' if asked else no_update
        if task != 'sgdet' and not asked:
            return None, HINTS[task]
        try:
            return self._predict(source, task, text, uploaded)
        except Exception as error:  # a graph must not outlive its image
            return None, error_message(error)

    def _predict(
        self,
        source: Source,
        task: str,
        text: str | None,
        uploaded: dict | None,
    ) -> tuple[dict, str]:
        start = time.perf_counter()
        with self.predictor.slot():
            image = self.read(source, uploaded)
            boxes = self._boxes(text, task, image)
            graph = self.predictor(image, task, boxes)
        seconds = time.perf_counter() - start
        graph = dict(fitting_graph(graph), file_name=source['name'])
        return graph, f'{source["name"]}: done in {seconds:.1f} s.'

    def _boxes(
        self, text: str | None, task: str, image: np.ndarray
    ) -> list[UserBox]:
        """The boxes that a task takes."""
        if task == 'sgdet':
            return []
        height, width = image.shape[:2]
        classes = self.predictor.classes
        boxes = parse_boxes(
            text, (width, height), classes, need_labels=task == 'predcls'
        )
        if not boxes:
            raise ValueError('Draw or paste a box first.')
        return boxes


def error_message(error: Exception) -> html.Span:
    """The words for an error of the user, or for a failure of ours.

    Args:
        error: A ValueError speaks to the user; of any other one the page
            says only its kind, and the log the rest.
    """
    text = str(error)
    if not isinstance(error, ValueError):
        logger.error('a request failed', exc_info=error)
        text = f'This failed ({type(error).__name__}); the server logged why.'
    return html.Span(text, className='error')
