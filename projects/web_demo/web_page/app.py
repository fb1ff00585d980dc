"""The Dash application, and the server that runs it."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import dash_cytoscape
from dash import Dash, set_props
from flask import Response, current_app, jsonify, request
from werkzeug import serving
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.serving import BaseWSGIServer

from .class_callbacks import ClassCallbacks
from .graph_callbacks import GraphCallbacks
from .image_callbacks import ImageCallbacks, error_message
from .images import thumbnails
from .limits import UploadLimits
from .page_layout import page_layout
from .predictor import Predictor


def make_app(
    predictor: Predictor,
    examples: Mapping[str, Path] | None = None,
    limits: UploadLimits | None = None,
) -> Dash:
    """The web page of a model.

    Scripts and styles come from the installed packages, never from the net.

    Args:
        predictor: The model.
        examples: Images to offer, by name.
        limits: The largest image to take.

    Returns:
        The application, for :func:`make_server`.
    """
    examples, limits = examples or {}, limits or UploadLimits()
    urls = thumbnails(examples, limits)
    examples = {name: examples[name] for name in urls}
    dash_cytoscape.load_extra_layouts()
    app = Dash(
        __name__,
        title='mmsgg: scene graphs',
        update_title='',
        serve_locally=True,
        on_error=_show_error,
    )
    app.server.config['MAX_CONTENT_LENGTH'] = limits.max_request
    app.server.before_request(partial(_refuse, limits))
    app.server.register_error_handler(413, _too_large)
    app.layout = page_layout(
        predictor.name, predictor.classes, predictor.task, urls, limits
    )
    ImageCallbacks(predictor, examples, limits).register(app)
    GraphCallbacks(predictor.classes).register(app)
    ClassCallbacks(predictor.classes).register(app)
    return app


def make_server(app: Dash, host: str, port: int) -> BaseWSGIServer:
    """A server of the page that listens on a port.

    Args:
        app: From :func:`make_app`.
        host: The address to listen on.
        port: The port; 0 takes a free one, see ``server_port``.

    Returns:
        A server; ``serve_forever()`` runs it, one thread a request.
    """
    logging.getLogger('werkzeug').setLevel(logging.WARNING)
    return serving.make_server(host, port, app.server, threaded=True)


def _show_error(error: Exception) -> None:
    """Show an error that no callback has caught."""
    set_props('message', dict(children=error_message(error)))


def _refuse(limits: UploadLimits) -> Response | None:
    """Answer a request that holds too much, as Dash answers an error."""
    if request.method != 'POST':
        return None
    try:
        limits.check_request(request)
    except ValueError as error:
        message = dict(children=error_message(error).to_plotly_json())
        return jsonify(
            multi=True, response={}, sideUpdate=dict(message=message)
        )
    return None


def _too_large(error: RequestEntityTooLarge) -> tuple[str, int]:
    """Say in a sentence that a request has too many bytes."""
    most = current_app.config['MAX_CONTENT_LENGTH'] / 2**20
    return f'At most {most:.3g} MB are taken at a time.', 413
