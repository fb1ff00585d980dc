"""What the restricted unpickler takes, and that it takes nothing else."""

import io
import pickle
import pickletools
from argparse import Namespace
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.structures import InstanceData

from mmsgg.fileio import restricted_pickle
from mmsgg.fileio.restricted_pickle import ALLOWED, NotDataError

from ..hostile_files import Trap, tar_format

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def loaded(content, protocol=4):
    data = content
    if not isinstance(content, bytes):
        data = pickle.dumps(content, protocol=protocol)
    return restricted_pickle.load(io.BytesIO(data))


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize(
    'array',
    (
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.zeros((0, 4), np.float32),
        np.array([True, False]),
        np.array(['man', 'hat']),
        np.arange(3, dtype='>i4'),
        np.float16(0.5),
        np.int64(-3),
    ),
    ids=repr,
)
def test_arrays_and_numbers_of_numpy(protocol, array):
    read = loaded(dict(a=[array], b=(array,)), protocol)
    for again in (*read['a'], *read['b']):
        assert type(again) is type(array)
        np.testing.assert_array_equal(again, array, strict=True)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_tensors(protocol):
    tensor = torch.arange(6.0).reshape(2, 3).t()
    assert torch.equal(loaded([tensor], protocol)[0], tensor)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_containers(protocol):
    value = OrderedDict(a=[1, -2.5, None, True], b=('x', b'y', b''), c={3})
    assert loaded(value, protocol) == value


def test_objects_of_mmengine():
    proposals = InstanceData(bboxes=np.ones((2, 4)), scores=np.ones(2))
    read = loaded({'1.jpg': proposals})['1.jpg']
    assert read.keys() == {'bboxes', 'scores'}
    assert read['bboxes'].tolist() == [[1] * 4] * 2
    # torch.save uses protocol 2
    options = Namespace(lr=1e-4, names=['a'], of=np.arange(2))
    read = loaded(options, protocol=2)
    assert read.keys() == {'lr', 'names', 'of'} and read['names'] == ['a']
    assert read['of'].tolist() == [0, 1]
    assert loaded(Namespace(), protocol=2) == {}
    buffer = loaded([HistoryBuffer([1.0, 2.0], [1, 1])], protocol=2)[0]
    assert type(buffer) is HistoryBuffer and buffer.mean() == 1.5


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_a_trap(tmp_path, protocol):
    with pytest.raises(NotDataError, match='asks for pathlib'):
        loaded([Trap(tmp_path / 'it-ran')], protocol)
    assert not (tmp_path / 'it-ran').exists()


def called(name, *arguments):
    """A pickle that calls what a name stands for."""
    module, _, function = name.rpartition('.')
    words = pickle.dumps(arguments, protocol=0).rstrip(b'.')
    return f'c{module}\n{function}\n'.encode() + words + b'R.'


@pytest.mark.parametrize(
    'data',
    (
        called('os.system', 'true'),
        called('builtins.getattr', 'text', 'upper'),
        called('builtins.getattr', b'', '__class__'),
        called('torch.load', 'a.pth'),
        called('numpy.dtype', 'O'),
        called('numpy.dtype', 'f8,O'),
        called('numpy.load', 'a.npy'),
        called('_codecs.encode', 'aa', 'hex'),
        called('builtins.__import__', 'os'),
        called('builtins.eval', '1'),
    ),
)
def test_calls_of_anything_else(data):
    pickletools.dis(data, out=io.StringIO())  # it is a pickle
    with pytest.raises(NotDataError):
        loaded(data)


def test_what_is_nested_in_a_storage(tmp_path):
    inner = io.BytesIO()
    torch.save(dict(a=Trap(tmp_path / 'it-ran')), inner)
    data = called('torch.storage._load_from_bytes', inner.getvalue())
    with pytest.raises(pickle.UnpicklingError):
        loaded(data)
    assert not (tmp_path / 'it-ran').exists()


@pytest.mark.parametrize('name', ALLOWED)
def test_no_file_changes_what_it_may_call(name):
    """BUILD would set the attributes of a class or a function."""
    module, _, function = name.rpartition('.')
    for state in (b'}S"a"\nI1\nsb.', b'(N}S"a"\nI1\nstb.'):
        with pytest.raises((pickle.UnpicklingError, TypeError)):
            loaded(f'c{module}\n{function}\n'.encode() + state)
    assert not hasattr(ALLOWED[name], 'a')


def test_lists_of_lists_of_the_same_list():
    value = [np.ones(1)]
    for _ in range(200):
        value = [value, value]
    read = loaded(value)
    for _ in range(200):
        [read, _] = read
    assert read[0].tolist() == [1]


def test_a_tar_file_within(tmp_path):
    """Where a pickle keeps a storage, torch before 2.6 would run it."""
    tar_format(tmp_path / 'a.tar', dict(trap=Trap(tmp_path / 'it-ran')))
    data = (tmp_path / 'a.tar').read_bytes()
    with pytest.raises(NotDataError, match='tar file'):
        loaded(called('torch.storage._load_from_bytes', data))
    assert not (tmp_path / 'it-ran').exists()
