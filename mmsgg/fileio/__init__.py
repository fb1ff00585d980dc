"""Files that hold data alone: none runs code when it is read."""

from . import restricted_pickle
from .record_file import read_records, write_records
from .restricted_pickle import load_tensors

__all__ = [
    'load_tensors',
    'read_records',
    'restricted_pickle',
    'write_records',
]
