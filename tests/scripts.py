"""Scripts of tools/ as modules, for tests that call what is in them."""

import importlib
import importlib.util
import sys
from types import ModuleType

from .folders import ROOT


def load_tool(name: str) -> ModuleType:
    """A script, such as 'train', or a module beside one.

    Args:
        name: Of the file below tools/, without suffix. Like a script that is
            called, one of a folder, such as 'analysis_tools/ablation', finds
            the modules beside it. All folders share one table of modules, so
            no two of them may have a module of the same name.
    """
    folder, _, module = name.partition('/')
    if module:
        path = str(ROOT / 'tools' / folder)
        if path not in sys.path:
            sys.path.append(path)
        return importlib.import_module(module.replace('/', '.'))
    # the standard library has a module 'test', too
    path = ROOT / 'tools' / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tools_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
