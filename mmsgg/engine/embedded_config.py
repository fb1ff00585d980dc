"""The config in a checkpoint, read as data."""

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Any

import mmcv.ops
import mmdet.registry
import mmengine.registry
from mmengine.config import Config
from mmengine.registry import Registry

import mmsgg.registry

from .command_line import check_config_version

#: Types that evaluate a string of their config as Python.
_EVALUATES = ('CameraMotionCompensation', 'RFSearchHook')
_NUMBERS = {'inf': math.inf, 'nan': math.nan}


class _NotDataError(ValueError):
    """A config is more than data; the message says what."""


def embedded_config(checkpoint: Mapping, trust: bool = False) -> Config:
    """The config that mmengine saved in a checkpoint.

    It is read as data, the literals of Python and calls of ``dict``, and may
    only build what is registered: mmengine would import and call anything
    that a type names by its path, such as ``os.system``.

    Args:
        checkpoint: What the file holds.
        trust: Whether the config may run code, as any other.

    Raises:
        ValueError: If there is none, or it is more than data.

    Examples:
        >>> text = "model = dict(type='mmdet.ResNet', depth=18)"
        >>> embedded_config({'meta': {'cfg': text}}).model
        {'type': 'mmdet.ResNet', 'depth': 18}
    """
    hub = checkpoint.get('message_hub') or {}
    text = hub.get('runtime_info', {}).get('cfg')
    text = text or (checkpoint.get('meta') or {}).get('cfg')
    if not isinstance(text, str):
        raise ValueError(
            'the checkpoint holds no config: name one, '
            'SGGInferencer(model=CONFIG, weights=CHECKPOINT)'
        )
    if trust:
        return Config.fromstring(text, file_format='.py')
    try:
        config = read_config_text(text)
        check_config_version(Config(config))
        _check_types(config)
    except (_NotDataError, SyntaxError, RecursionError) as error:
        raise ValueError(
            f'the config in the checkpoint is more than data ({error}) and '
            f'could run code: name a config of your own, or, if you trust '
            f'whoever made it, say --trust, or trust=True in Python'
        ) from error
    return Config(config)


def read_config_text(text: str) -> dict[str, Any]:
    """Read the text of a config as mmengine dumps it.

    Args:
        text: Assignments of literals and of calls of ``dict``.

    Raises:
        ValueError: If there is anything else, naming its line.
        SyntaxError: If that is not Python.

    Examples:
        >>> read_config_text("a = dict(b=[-1, (2, None)])")
        {'a': {'b': [-1, (2, None)]}}
        >>> read_config_text("a = open('b')")
        Traceback (most recent call last):
        mmsgg.engine.embedded_config._NotDataError: line 1: open('b')
    """
    values = {}
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _value(value)
            case _:
                raise _not_literal(statement)
    return values


def _value(node: ast.expr) -> Any:
    """The value of an expression without names and calls but ``dict``."""
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=items):
            return {_argument(item): _value(item.value) for item in items}
        # where a key is no identifier, mmengine writes dict({...})
        case ast.Call(func=ast.Name(id='dict'), args=[mapping], keywords=[]):
            return dict(_value(mapping))
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {_key(key): _value(value) for key, value in pairs}
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Name(id=name) if name in _NUMBERS:
            return _NUMBERS[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id='inf')):
            return -math.inf
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise _not_literal(node) from error


def _argument(item: ast.keyword) -> str:
    if item.arg is None:  # of **
        raise _not_literal(item.value)
    return item.arg


def _key(node: ast.expr | None) -> Any:
    if node is None:  # of **
        raise _NotDataError('it unpacks a dict')
    return ast.literal_eval(node)


def _not_literal(node: Any) -> _NotDataError:
    code = ' '.join(ast.unparse(node).split())
    return _NotDataError(f'line {node.lineno}: {code[:60]}')


def _check_types(config: dict) -> None:
    """See that all types are registered, so that none is imported.

    Raises:
        _NotDataError: Naming the first that is not.
    """
    registries = list(_registries())
    scopes = {registry.scope for registry in registries}
    registered = {
        (registry.scope, name)
        for registry in registries
        for name in registry.module_dict
    }
    names = {name for _, name in registered}
    for key, value in _types(config):
        if key == 'type':
            scope, _, name = value.rpartition('.')
            known = (
                (scope, name) in registered
                if scope
                else name in names or hasattr(mmcv.ops, name)
            ) and name not in _EVALUATES
        else:
            known = value in scopes
        if not known:
            raise _NotDataError(f'{key}={value!r} is not registered')


def _types(node: Any) -> Iterator[tuple[str, str]]:
    """All that a config has built by its name, and the scopes for it."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ('type', '_scope_') and isinstance(value, str):
                yield key, value
            yield from _types(value)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from _types(item)


def _registries() -> Iterator[Registry]:
    """The registries of mmengine, mmdet and mmsgg, filled."""
    for package in (mmengine.registry, mmdet.registry, mmsgg.registry):
        for registry in list(vars(package).values()):
            if isinstance(registry, Registry):
                registry.import_from_location()
                yield registry
