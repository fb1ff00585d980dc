"""The script linknet_pytorch_to_mmsgg.py as a module."""

import importlib.util
from pathlib import Path

SCRIPT = (
    Path(__file__).parents[2]
    / 'tools'
    / 'model_converters'
    / 'linknet_pytorch_to_mmsgg.py'
)
_spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
command = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(command)
