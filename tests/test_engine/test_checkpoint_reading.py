"""No code of a checkpoint runs, whatever reads it, unless it is trusted."""

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, load_checkpoint
from torch import nn

from mmsgg.engine.checkpoint_reading import (
    UntrustedCheckpointError,
    read_checkpoint,
    use_safe_reading,
)

from ..hostile_files import FORMATS, Trap, hostile, legacy_format, zip_format

URL = 'http://localhost:9/weights-00000000.pth'  # refuses connections


@pytest.fixture
def mark(tmp_path):
    return tmp_path / 'it-ran'


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def schemes(monkeypatch):
    """mmengine's loaders, put back in the end."""
    monkeypatch.setattr(
        CheckpointLoader, '_schemes', CheckpointLoader._schemes.copy()
    )


@pytest.mark.parametrize('write', FORMATS)
def test_a_hostile_file(tmp_path, mark, write):
    path = hostile(tmp_path / 'a.pth', mark, write)
    with pytest.raises(UntrustedCheckpointError) as refused:
        read_checkpoint(path)
    message = str(refused.value)
    assert str(path) in message and '--trust' in message
    assert 'trust=True' in message and '\n' not in message
    wanted = 'tar file' if write.__name__ == 'tar_format' else 'pathlib'
    assert wanted in message
    assert not mark.exists()


@pytest.mark.parametrize('write', (zip_format, legacy_format))
def test_a_trusted_file(tmp_path, mark, write):
    path = hostile(tmp_path / 'a.pth', mark, write, dict(a=1))
    assert read_checkpoint(path, trust=True)['a'] == 1
    assert mark.exists()


@pytest.mark.parametrize('write', (zip_format, legacy_format))
@pytest.mark.parametrize(
    'name', ('builtins.eval', 'os.system', 'torch.hub.load', 'torch.load')
)
def test_functions_that_run_code(tmp_path, name, write):
    class Reduced:
        def __reduce__(self):
            module, _, function = name.rpartition('.')
            return getattr(__import__(module, fromlist=['x']), function), ('',)

    write(tmp_path / 'a.pth', dict(a=Reduced()))
    with pytest.raises(UntrustedCheckpointError, match=r'it asks for'):
        read_checkpoint(tmp_path / 'a.pth')


def test_a_torchscript(tmp_path):
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), tmp_path / 'a.pth')
    with pytest.raises(UntrustedCheckpointError, match='it is a TorchScript'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('write', (zip_format, legacy_format))
def test_what_mmengine_saves_is_data(tmp_path, write):
    """Its training logs and numpy numbers, which torch alone refuses."""
    log = HistoryBuffer([3.0, 5.0], [1, 1])
    log.statistics('mean')
    log.__getstate__()  # lists the methods, as each save does
    weights = OrderedDict(
        weight=torch.arange(6.0).reshape(2, 3).t(),
        half=torch.ones(2, dtype=torch.float16),
    )
    weights._metadata = OrderedDict({'': dict(version=1)})
    content = dict(
        meta=dict(epoch=3, best=np.float64(0.25), seen={1, 2}, cfg='a = 1'),
        message_hub=dict(log_scalars=dict(loss=log)),
        state_dict=weights,
        optimizer=dict(state={0: dict(step=torch.tensor(3.0))}),
        palette=np.arange(6, dtype=np.uint8).reshape(2, 3),
    )
    write(tmp_path / 'a.pth', content)
    read = read_checkpoint(tmp_path / 'a.pth')
    assert read['meta'] == content['meta']
    assert read['palette'].tolist() == [[0, 1, 2], [3, 4, 5]]
    again = read['message_hub']['log_scalars']['loss']
    assert type(again) is HistoryBuffer and again.mean() == 4
    assert again.statistics('max') == 5
    for name, weight in weights.items():
        assert torch.equal(read['state_dict'][name], weight)
    assert read['state_dict']._metadata == weights._metadata
    assert read['optimizer'] == content['optimizer']


def test_an_array_of_objects(tmp_path, mark):
    torch.save(dict(a=np.array([Trap(mark)])), tmp_path / 'a.pth')
    with pytest.raises(UntrustedCheckpointError):
        read_checkpoint(tmp_path / 'a.pth')
    torch.save(dict(a=np.array([None])), tmp_path / 'a.pth')
    with pytest.raises(UntrustedCheckpointError, match="of type 'O8'"):
        read_checkpoint(tmp_path / 'a.pth')
    assert not mark.exists()


def cut_off(path):
    torch.save(dict(a=torch.zeros(1000)), path)
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    'write',
    (
        cut_off,
        lambda path: path.write_bytes(b''),
        lambda path: path.write_text('<html>'),
        lambda path: path.write_bytes(pickle.dumps({})[:-1]),
    ),
)
def test_a_damaged_file(tmp_path, write):
    write(tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth does not read') as error:
        read_checkpoint(tmp_path / 'a.pth')
    assert '\n' not in str(error.value)


def test_what_is_no_checkpoint(tmp_path):
    torch.save([1], tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth holds a list'):
        read_checkpoint(tmp_path / 'a.pth')
    with pytest.raises(FileNotFoundError, match=r'no checkpoint .*b\.pth'):
        read_checkpoint(tmp_path / 'b.pth')


@pytest.mark.usefixtures('schemes')
@pytest.mark.parametrize('name', ('', URL, 'open-mmlab://here', 'mmcls://m'))
def test_all_that_mmengine_reads(cache, mark, monkeypatch, name):
    for models in ('get_external_models', 'get_mmcls_models'):
        monkeypatch.setattr(
            f'mmengine.runner.checkpoint.{models}',
            lambda: {'here': URL, 'm': URL},
        )
    path = hostile(cache / 'weights-00000000.pth', mark)
    name = name or str(path)
    use_safe_reading()
    model = nn.Linear(1, 1)
    with pytest.raises(UntrustedCheckpointError):
        load_checkpoint(model, name)
    init_cfg = dict(type='Pretrained', checkpoint=name)
    backbone = dict(type='mmdet.ResNet', depth=18, init_cfg=init_cfg)
    with pytest.raises(UntrustedCheckpointError):
        MODELS.build(backbone).init_weights()
    assert not mark.exists()
    use_safe_reading(trust=True)
    load_checkpoint(model, name)
    assert mark.exists()


@pytest.mark.usefixtures('schemes')
def test_storage_of_other_kinds(monkeypatch):
    use_safe_reading()
    for name in ('s3://bucket/a.pth', 'pavi://a.pth'):
        with pytest.raises(UntrustedCheckpointError, match='to a local file'):
            CheckpointLoader.load_checkpoint(name)
    use_safe_reading(trust=True)
    loader = CheckpointLoader._get_checkpoint_loader('pavi://a.pth')
    assert loader.__module__ == 'mmengine.runner.checkpoint'


@pytest.mark.usefixtures('schemes')
def test_the_values_are_those_of_mmengine(tmp_path):
    path = str(tmp_path / 'a.pth')
    torch.save(dict(state_dict=dict(weight=torch.randn(3))), path)
    by_mmengine = CheckpointLoader.load_checkpoint(path, 'cpu')
    use_safe_reading()
    ours = CheckpointLoader.load_checkpoint(path, 'cpu')
    ours, by_mmengine = (c['state_dict'] for c in (ours, by_mmengine))
    assert torch.equal(ours['weight'], by_mmengine['weight'])


def test_names_of_a_model_zoo(tmp_path, monkeypatch):
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path))
    monkeypatch.setattr(
        'mmengine.runner.checkpoint.get_external_models',
        lambda: {'here': 'b.pth'},
    )
    torch.save(dict(a=1), tmp_path / 'b.pth')
    assert read_checkpoint('open-mmlab://here') == dict(a=1)
    with pytest.raises(ValueError, match='no checkpoint openmmlab://c'):
        read_checkpoint('openmmlab://c')
