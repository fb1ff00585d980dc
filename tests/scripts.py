"""Scripts of tools/ as modules, for tests that call what is in them."""

import importlib.util
from types import ModuleType

from .folders import ROOT


def load_tool(name: str) -> ModuleType:
    """Import a script, such as 'train' or 'analysis_tools/ablation'."""
    path = ROOT / 'tools' / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tools_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
