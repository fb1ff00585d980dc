"""Where the objects of a scene graph come from, one file a kind."""

from .given import GivenBoxes
from .object_source import Found, ObjectSource
from .query import QueryObjects
from .single_stage import SingleStageObjects
from .transformer import TransformerObjects
from .two_stage import TwoStageObjects

__all__ = [
    'Found',
    'GivenBoxes',
    'ObjectSource',
    'QueryObjects',
    'SingleStageObjects',
    'TransformerObjects',
    'TwoStageObjects',
]
