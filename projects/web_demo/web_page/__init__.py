"""The web page, as an application that a server can run."""

from .app import make_app, make_server
from .images import list_examples
from .limits import UploadLimits
from .predictor import Predictor

__all__ = [
    'Predictor',
    'UploadLimits',
    'list_examples',
    'make_app',
    'make_server',
]
