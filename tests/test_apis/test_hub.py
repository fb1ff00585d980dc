"""Models by name, against folders; the hub itself is a stand-in."""

import shutil
import sys
from types import SimpleNamespace

import pytest

from mmsgg.apis import SGGInferencer
from mmsgg.apis.hub import push_to_hub, read_named_model, save_model_folder
from mmsgg.engine import UntrustedCheckpointError

from ..hostile_files import hostile


@pytest.fixture
def folder(checkpoint, tmp_path):
    save_model_folder(checkpoint, tmp_path / 'model')
    return tmp_path / 'model'


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Hugging Face's hub, whose repositories lie in a folder."""
    calls = []

    def snapshot_download(repo_id, revision='main', allow_patterns=()):
        calls.append((repo_id, revision, allow_patterns))
        return str(tmp_path / 'hub' / repo_id)

    def upload_folder(repo_id, folder_path):
        target = tmp_path / 'hub' / repo_id
        shutil.copytree(folder_path, target, dirs_exist_ok=True)

    def create_repo(repo_id, private, exist_ok):
        calls.append((repo_id, private, exist_ok))

    module = SimpleNamespace(
        snapshot_download=snapshot_download,
        upload_folder=upload_folder,
        create_repo=create_repo,
        calls=calls,
    )
    monkeypatch.setitem(sys.modules, 'huggingface_hub', module)
    return module


def test_a_pushed_model_predicts_the_same(hub, checkpoint, images, inferencer):
    push_to_hub(checkpoint, 'me/toy')
    assert hub.calls == [('me/toy', True, True)]
    pushed = SGGInferencer('hf://me/toy', device='cpu', show_progress=False)
    assert hub.calls[1] == ('me/toy', 'main', ['config.py', '*.pth'])
    assert pushed(images[0]) == inferencer(images[0])


def test_a_folder_is_such_a_model(folder, hub):
    cfg, weights = read_named_model(str(folder))
    assert weights == str(folder / 'toy.pth')
    assert cfg.model.task == 'sgdet'
    shutil.copytree(folder, folder.parents[0] / 'hub' / 'me' / 'toy')
    again, _ = read_named_model('hf://me/toy@v1')
    assert again.to_dict() == cfg.to_dict()
    assert hub.calls[0][:2] == ('me/toy', 'v1')


@pytest.mark.parametrize(
    'line', ['import os\n', "model['type'] = 'os.system'\n", 'x = open\n']
)
def test_a_config_that_is_no_data_is_refused(folder, tmp_path, line):
    path = folder / 'config.py'
    text = path.read_text()
    ran = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for more in (ran, line):
        path.write_text(text + more)
        with pytest.raises(ValueError, match='more than data'):
            read_named_model(str(folder))
    assert not (tmp_path / 'ran').exists()


def test_a_checkpoint_that_runs_code_is_refused(folder, hub, tmp_path):
    hostile(folder / 'toy.pth', tmp_path / 'ran')
    with pytest.raises(UntrustedCheckpointError):
        SGGInferencer(str(folder), device='cpu')
    with pytest.raises(UntrustedCheckpointError):
        push_to_hub(folder / 'toy.pth', 'me/toy')
    assert hub.calls == []
    assert not (tmp_path / 'ran').exists()


def test_what_is_no_model(folder, monkeypatch):
    (folder / 'second.pth').touch()
    with pytest.raises(FileNotFoundError, match=r'it holds 2 \*\.pth'):
        read_named_model(str(folder))
    with pytest.raises(FileNotFoundError, match='near it: toy/sgdet'):
        read_named_model('toy/sgdett')
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(ImportError, match='pip install huggingface_hub'):
        read_named_model('hf://me/toy')
