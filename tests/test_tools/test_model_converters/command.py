"""The script linknet_pytorch_to_mmsgg.py as a module."""

from ...folders import ROOT
from ...scripts import load_tool

SCRIPT = ROOT / 'tools' / 'model_converters' / 'linknet_pytorch_to_mmsgg.py'
command = load_tool(f'model_converters/{SCRIPT.stem}')
