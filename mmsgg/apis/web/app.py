"""The web page as an application that a server can run."""

import logging
from collections.abc import Mapping
from pathlib import Path

from dash import Dash
from werkzeug import serving
from werkzeug.serving import BaseWSGIServer

from .examples import thumbnails
from .graph_callbacks import GraphCallbacks
from .image_callbacks import ImageCallbacks
from .messages import show_error
from .page import page
from .predictor import Predictor
from .uploads import UploadLimits

_MARGIN = 2**20  # bytes of a request beside the image: the graph, the boxes


def make_app(
    predictor: Predictor,
    examples: Mapping[str, Path] | None = None,
    limits: UploadLimits | None = None,
) -> Dash:
    """Make the page.

    Scripts and styles come from the installed packages, never from the net.

    Args:
        predictor: The model.
        examples: Images to offer, by name.
        limits: The largest image to take.

    Returns:
        The application, for :func:`make_server`.
    """
    examples, limits = examples or {}, limits or UploadLimits()
    pictures = thumbnails(examples, limits)
    examples = {name: examples[name] for name in pictures}
    app = Dash(
        __name__,
        title='mmsgg: scene graphs',
        update_title=None,
        serve_locally=True,
        on_error=show_error,
    )
    app.server.config['MAX_CONTENT_LENGTH'] = limits.max_base64 + _MARGIN
    app.layout = page(
        predictor.name, predictor.classes, predictor.task, pictures, limits
    )
    ImageCallbacks(predictor, examples, limits).register(app)
    GraphCallbacks(predictor.classes).register(app)
    return app


def make_server(app: Dash, host: str, port: int) -> BaseWSGIServer:
    """Open a port for the page.

    Args:
        app: From :func:`make_app`.
        host: The address to listen on.
        port: The port; 0 takes a free one, see ``server_port``.

    Returns:
        A server; ``serve_forever()`` runs it, one thread a request.
    """
    logging.getLogger('werkzeug').setLevel(logging.WARNING)
    return serving.make_server(host, port, app.server, threaded=True)
