"""The web page; it needs the packages of ``requirements/demo.txt``."""

from .app import make_app, make_server
from .examples import list_examples
from .predictor import Predictor
from .uploads import UploadLimits

__all__ = [
    'Predictor',
    'UploadLimits',
    'list_examples',
    'make_app',
    'make_server',
]
