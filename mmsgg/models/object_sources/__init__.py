"""Where the objects of a scene graph come from, one file a kind."""

from .given import GivenBoxes
from .object_source import ObjectSource
from .single_stage import SingleStageObjects
from .transformer import TransformerObjects
from .two_stage import TwoStageObjects

__all__ = [
    'GivenBoxes',
    'ObjectSource',
    'SingleStageObjects',
    'TransformerObjects',
    'TwoStageObjects',
]
