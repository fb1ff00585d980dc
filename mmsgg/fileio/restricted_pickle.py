"""Reading pickles of data alone, so that no file runs code.

``load`` and :class:`Unpickler` have the names of the standard module, so that
``torch.load`` takes this one as its ``pickle_module``.
"""

import io
import pickle
import re
import sys
import tarfile
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, Literal

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch.serialization import _is_torchscript_zip, _open_zipfile_reader

UnpicklingError = pickle.UnpicklingError  # torch.load looks for it here
_PLAIN_DTYPE = re.compile(r'[biufcSU]\d{1,9}')


class NotDataError(UnpicklingError):
    """A pickle asks for more than data; the message says for what."""


def _refuse_programs(file: IO[bytes]) -> None:
    """Refuse a tar file or a TorchScript; the file is left at its start.

    Torch before 2.6 runs them in spite of ``weights_only``.
    """
    if tarfile.is_tarfile(file):  # type: ignore[arg-type]
        raise NotDataError('it is a tar file')
    file.seek(0)
    if file.read(4) == b'PK\x03\x04':
        file.seek(0)
        with _open_zipfile_reader(file) as members:
            if _is_torchscript_zip(members):
                raise NotDataError('it is a TorchScript')
    file.seek(0)


class _Sealed:
    """A stand-in for what a file names, which the file cannot change."""

    def __setstate__(self, state: Any) -> None:
        raise NotDataError('it changes what it may only call')


class _Call(_Sealed):
    """A function that a file may call."""

    __slots__ = ('_function',)

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)


class _Dtype:
    """The type of an array: bools, numbers or strings of one length."""

    def __init__(self, name: str, *flags: bool) -> None:
        if not isinstance(name, str) or not _PLAIN_DTYPE.fullmatch(name):
            raise NotDataError(f'it holds an array of type {name!r}')
        self.value = np.dtype(name)

    def __setstate__(self, state: tuple) -> None:
        self.value = self.value.newbyteorder(state[1])


class _Array:
    """An array before its values are known, as numpy pickles it."""

    def __init__(self, kind: Any, shape: tuple, typecode: bytes) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, data = state
        if isinstance(data, str):  # of Python 2
            data = data.encode('latin1')
        self.value = _array_of(
            bytearray(data), dtype, shape, 'F' if is_fortran else 'C'
        )


class _Attributes:
    """An object of which the attributes are kept."""

    state: dict

    def __setstate__(self, state: dict) -> None:
        self.state = state

    @property
    def value(self) -> Any:
        """What is read for it."""
        raise NotImplementedError


class _History(_Attributes):
    """mmengine's ``HistoryBuffer``."""

    @property
    def value(self) -> HistoryBuffer:
        log, count = self.state['_log_history'], self.state['_count_history']
        return HistoryBuffer(
            _plain(log), _plain(count), int(self.state['max_length'])
        )


class _Instances(_Attributes):
    """mmengine's ``InstanceData``; its fields become a dict."""

    @property
    def value(self) -> dict:
        fields = self.state['_data_fields']
        return {name: _plain(self.state[name]) for name in fields}


class _Options(_Attributes):
    """What argparse read from a command line; it becomes a dict."""

    @property
    def value(self) -> dict:
        state = getattr(self, 'state', {})  # which an empty one lacks
        return {name: _plain(value) for name, value in state.items()}


def _array_of(
    data: bytes | bytearray,
    dtype: _Dtype,
    shape: tuple,
    order: Literal['C', 'F'] = 'C',
) -> np.ndarray:
    return np.frombuffer(data, dtype.value).reshape(shape, order=order)


def _scalar_of(dtype: _Dtype, data: bytes | str) -> np.generic:
    if isinstance(data, str):
        data = data.encode('latin1')
    return np.frombuffer(data, dtype.value)[0]


def _method_of(owner: Any, name: str) -> str:
    """The name of a method of ``HistoryBuffer``, which lists its own."""
    if owner is not _History:
        raise NotDataError('it asks for builtins.getattr')
    return name


def _storage_of(data: bytes) -> Any:
    file = io.BytesIO(data)
    _refuse_programs(file)
    return torch.load(file, map_location='cpu', weights_only=True)


def _no_bytes() -> bytes:
    return b''


def _encoded(text: str, encoding: str) -> bytes:
    if encoding not in ('latin1', 'latin-1'):
        raise NotDataError(f'it asks for the encoding {encoding!r}')
    return text.encode('latin1')


_NUMPY = {
    'dtype': _Dtype,
    'ndarray': _Call(_Array),
    'core.multiarray._reconstruct': _Call(_Array),
    'core.multiarray.scalar': _Call(_scalar_of),
    'core.numeric._frombuffer': _Call(_array_of),
}
#: All that a file may name, and what it gets for it.
ALLOWED: dict[str, Any] = {
    'collections.OrderedDict': OrderedDict,
    'argparse.Namespace': _Options,
    'builtins.set': _Call(set),
    'builtins.bytes': _Call(_no_bytes),
    'builtins.complex': _Call(complex),
    'builtins.bytearray': _Call(bytearray),
    'builtins.getattr': _Call(_method_of),
    '_codecs.encode': _Call(_encoded),
    'torch.Size': _Call(torch.Size),
    'torch._utils._rebuild_tensor_v2': _Call(torch._utils._rebuild_tensor_v2),
    'torch._utils._rebuild_parameter': _Call(torch._utils._rebuild_parameter),
    'torch.storage._load_from_bytes': _Call(_storage_of),
    'mmengine.logging.history_buffer.HistoryBuffer': _History,
    'mmengine.structures.instance_data.InstanceData': _Instances,
}
for _name, _value in _NUMPY.items():
    ALLOWED[f'numpy.{_name}'] = _value
    ALLOWED[f'numpy._{_name}'] = _value  # numpy._core, since 2.0


class Unpickler(pickle.Unpickler):
    """Unpickles numbers, strings, containers, numpy arrays and tensors.

    Of mmengine it takes ``HistoryBuffer``, which older checkpoints have, and
    ``InstanceData``, which becomes a dict, as does argparse's ``Namespace``.
    Nothing else that a file names is imported, and no code of a file runs.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Get what stands for a name.

        Raises:
            NotDataError: If it is none of :data:`ALLOWED`.
        """
        module = 'builtins' if module == '__builtin__' else module
        try:
            return ALLOWED[f'{module}.{name}']
        except KeyError:
            raise NotDataError(f'it asks for {module}.{name}') from None

    def load(self) -> Any:
        """Read one object.

        Raises:
            NotDataError: If it names anything else.
        """
        return _plain(super().load())


def load(file: IO[bytes], **kwargs: Any) -> Any:
    """Read one object from an open file.

    Args:
        file: It, open for reading bytes.
        **kwargs: Of ``pickle.Unpickler``.

    Raises:
        NotDataError: If it holds more than data.

    Examples:
        >>> load(io.BytesIO(pickle.dumps({'a': [1, 2.5, None]})))
        {'a': [1, 2.5, None]}
        >>> load(io.BytesIO(pickle.dumps(print)))
        Traceback (most recent call last):
        mmsgg.fileio.restricted_pickle.NotDataError: it asks for builtins.print
    """
    return Unpickler(file, **kwargs).load()


def load_tensors(file: IO[bytes], map_location: Any = 'cpu') -> Any:
    """Read what ``torch.save`` wrote; on any torch, no code of it runs.

    Args:
        file: It, open for reading bytes.
        map_location: Where tensors go, as of ``torch.load``.

    Raises:
        NotDataError: If the file asks for more than data.
    """
    _refuse_programs(file)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of protocols and of untyped storage
        try:
            return torch.load(
                file, map_location=map_location, weights_only=True
            )
        except UnpicklingError:
            file.seek(0)
        # What torch takes for data is less than what mmengine saves.
        return torch.load(
            file,
            map_location=map_location,
            weights_only=False,
            pickle_module=sys.modules[__name__],
        )


def _plain(value: Any, done: dict[int, Any] | None = None) -> Any:
    """Put arrays and buffers in the place of what stands for them."""
    done = {} if done is None else done
    if id(value) in done:  # else a list of lists of ... would take forever
        return done[id(value)][1]
    result = value
    if isinstance(value, (_Array, _Attributes)):
        result = value.value
    elif isinstance(value, tuple):
        result = tuple(_plain(item, done) for item in value)
    # the value stays with its result, so that no other gets its id
    done[id(value)] = value, result
    if isinstance(value, list):
        value[:] = [_plain(item, done) for item in value]
    elif isinstance(value, dict):
        for key, item in value.items():
            value[key] = _plain(item, done)
    return result
