"""Kills at every moment of writing, and what the files hold."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmsgg.engine import newest_checkpoint
from mmsgg.engine.plain_data import history_buffer, plain_data
from mmsgg.engine.whole_file_backend import WholeFileBackend

from ... import forked
from ..random_run import Trace, random_run


def train(work_dir, resume=True, **kwargs):
    """Train, from the newest checkpoint of the work dir if there is one."""
    path = newest_checkpoint(work_dir).path if resume else None
    options = dict(load_from=str(path), resume=True) if path else {}
    runner = random_run(work_dir, randomness=dict(seed=3), **options, **kwargs)
    runner.train()
    return runner


def files_of(work_dir):
    """The checkpoints of a folder: what they say, and what they weigh."""
    found = {}
    for path in Path(work_dir).glob('*.pth'):
        checkpoint = torch.load(path, weights_only=True)
        info = checkpoint['message_hub']['runtime_info']
        found[path.name] = dict(
            weights=checkpoint['state_dict'],
            best=Path(info['best_ckpt']).name,
            score=info['best_score'],
            meta={k: checkpoint['meta'][k] for k in ('epoch', 'iter')},
        )
    return found


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('whole')
    return train(work_dir, resume=False).trace.steps, files_of(work_dir)


def die_at(count, monkeypatch):
    """Die at a moment of dealing with files, ``count`` from now."""
    moments = iter(range(count + 1))

    def before(name, owner):
        function = getattr(owner, name)

        def wrapped(*args, **kwargs):
            if next(moments, None) == count:
                os.kill(os.getpid(), 9)
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapped)

    before('fsync', os)  # a file is written, or its new name
    before('replace', Path)
    before('remove', WholeFileBackend)


def test_a_kill_at_any_moment_of_writing_changes_nothing(
    whole, tmp_path, monkeypatch
):
    def killed_run(work_dir, count):
        die_at(count, monkeypatch)
        train(work_dir)

    steps, files = whole
    for count in range(0, 1000, 4):  # a file has three of them
        work_dir = tmp_path / str(count)
        code = forked.end(forked.start(killed_run, work_dir, count))
        if code == 0:  # there was no such moment
            break
        assert code == -9
        for path in work_dir.glob('*.pth'):
            torch.load(path, weights_only=True)
        resumed = train(work_dir)
        for step, values in resumed.trace.steps.items():
            assert values == steps[step], count
        assert_same_files(files_of(work_dir), files)
        assert not [*work_dir.glob('*.tmp')]
        shutil.rmtree(work_dir)
    assert count > 20


def assert_same_files(found, expected):
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        weights = found[name].pop('weights')
        for key, value in content['weights'].items():
            assert torch.equal(weights[key], value), (name, key)
        rest = {k: v for k, v in content.items() if k != 'weights'}
        assert found[name] == rest


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    WholeFileBackend().put(b'old', path)

    def full(number):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        WholeFileBackend().put(b'new', path)
    assert path.read_bytes() == b'old'
    assert [*tmp_path.iterdir()] == [path]


def test_a_moved_run_goes_on_in_its_new_folder(whole, tmp_path):
    old, new = tmp_path / 'old', tmp_path / 'new'
    stop = Trace(lambda step: step == 7 and os.kill(os.getpid(), 15))
    with pytest.raises(SystemExit):
        train(old, trace=stop)
    old.rename(new)
    resumed = train(new)
    assert not old.exists()
    assert {k: whole[0][k] for k in resumed.trace.steps} == resumed.trace.steps
    assert_same_files(files_of(new), whole[1])


def test_the_log_history_is_brought_back(tmp_path):
    scalars = train(tmp_path, max_epochs=1).message_hub.log_scalars
    resumed = train(tmp_path, max_epochs=1)
    losses = scalars['train/loss'].data
    assert len(losses[0]) == 3
    for found, expected in zip(
        resumed.message_hub.log_scalars['train/loss'].data,
        losses,
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_plain_data():
    class Text(str):
        __slots__ = ()

    buffer = HistoryBuffer([1.5, 2], [1, 1], 7)
    plain = plain_data(
        dict(
            buffer=buffer,
            nested=[(np.float64(0.5), np.arange(3)), None, True],
            text=Text('a'),
            path=Path('b'),
            names=np.array(['c']),
        )
    )
    back = history_buffer(plain.pop('buffer'))
    assert [list(part) for part in back.data] == [[1.5, 2], [1, 1]]
    assert back.max_length == 7
    [(number, array), *rest] = plain['nested']
    assert type(number) is float and torch.equal(array, torch.arange(3))
    assert rest == [None, True]
    assert type(plain['text']) is str
    assert (plain['path'], plain['names']) == ('b', ['c'])
