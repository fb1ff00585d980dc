"""Every option of every program says what it is for."""

import ast

import pytest

from ..folders import ROOT

PROGRAMS = [
    path
    for folder in ('tools', 'demo', 'projects')
    for path in sorted((ROOT / folder).rglob('*.py'))
    if 'tests' not in path.parts
] + [ROOT / 'mmsgg' / 'arguments.py']


def options(path):
    """The calls that add an option, by its first name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            first = getattr(node.args[0], 'value', None)
            adds = called == 'add' or called.endswith('.add_argument')
            if adds and isinstance(first, str):
                yield first, {keyword.arg for keyword in node.keywords}


@pytest.mark.parametrize(
    'path', PROGRAMS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_option_without_help(path):
    silent = [name for name, said in options(path) if 'help' not in said]
    assert silent == []


def test_options_are_seen():
    names = {name for path in PROGRAMS for name, _ in options(path)}
    assert {'config', '--cfg-options', '--seeds', '--topk'} <= names
