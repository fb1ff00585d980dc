"""Which checkpoint a run goes on from, and which it refuses."""

import shutil

import pytest
import torch
from mmengine.config import Config

from mmsgg.engine import newest_checkpoint

from .. import forked
from ..folders import ROOT
from ..scripts import load_tool
from .random_run import random_run
from .test_hooks.test_stop_at_low_rate_hook import tiny_runner

train = load_tool('train')


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('run')
    random_run(
        work_dir, max_epochs=3, checkpoint=dict(max_keep_ckpts=-1)
    ).train()
    return work_dir


@pytest.fixture
def copy(run, tmp_path):
    """The run in another place; where it was, nothing is looked for."""
    return shutil.copytree(run, tmp_path / 'copy')


def test_the_newest_of_a_moved_run(copy):
    assert newest_checkpoint(copy) == (copy / 'epoch_3.pth', [])


def test_a_file_that_was_written_after_the_pointer(copy):
    (copy / 'last_checkpoint').write_text('/gone/epoch_2.pth')
    assert newest_checkpoint(copy).path == copy / 'epoch_3.pth'


@pytest.mark.parametrize('size', [0, 1000, -1])
def test_damaged_ones_are_passed_over(copy, size):
    damaged = copy / 'epoch_3.pth'
    content = damaged.read_bytes()
    damaged.write_bytes(content[:size])
    shutil.copy(copy / 'epoch_2.pth', copy / 'published.pth')
    checkpoint = torch.load(copy / 'published.pth', weights_only=True)
    del checkpoint['optimizer']
    torch.save(checkpoint, copy / 'published.pth')
    path, passed_over = newest_checkpoint(copy)
    assert path == copy / 'epoch_2.pth'
    assert sum(str(damaged) in reason for reason in passed_over) == 1
    assert any('published.pth holds weights' in text for text in passed_over)


def test_none_that_can_be_read_is_no_fresh_start(copy):
    for path in copy.glob('*.pth'):
        path.write_bytes(b'')
    with pytest.raises(ValueError, match=r'No checkpoint in .*epoch_3\.pth'):
        newest_checkpoint(copy)
    cfg = Config(dict(work_dir=str(copy), resume=True, load_from='a.pth'))
    with pytest.raises(SystemExit, match='No checkpoint'):
        train.find_resume_point(cfg, 'auto')


def test_nothing_to_resume_keeps_load_from(tmp_path):
    cfg = Config(
        dict(work_dir=str(tmp_path / 'new'), resume=True, load_from='a.pth')
    )
    [note] = train.find_resume_point(cfg, 'auto')
    assert 'start from a.pth' in note
    assert (cfg.resume, cfg.load_from) == (False, 'a.pth')


@pytest.mark.parametrize('resume', ['auto', None])
def test_the_newest_takes_the_place_of_load_from(copy, resume):
    start = 'a.pth' if resume else None
    cfg = Config(dict(work_dir=str(copy), resume=True, load_from=start))
    [note] = train.find_resume_point(cfg, resume)
    assert note == f'Resume from {copy / "epoch_3.pth"}'
    assert (cfg.resume, cfg.load_from) == (True, str(copy / 'epoch_3.pth'))


def test_a_named_checkpoint_stays(copy):
    cfg = Config(dict(work_dir=str(copy), resume=True, load_from='a.pth'))
    assert train.find_resume_point(cfg, 'a.pth') == []
    assert cfg.load_from == 'a.pth'


def of_stage(config, work_dir, **kwargs):
    """A run that says it is one of a config of the project."""
    cfg = Config.fromfile(ROOT / 'configs' / config)
    runner = tiny_runner(cfg, work_dir, 1, **kwargs)
    runner.cfg.model = cfg.model
    hooks = dict(type='AtomicCheckpointHook'), dict(type='ResumeFitHook')
    for hook in hooks:
        runner.register_hook(hook)
    return runner


@pytest.mark.parametrize(
    ('other', 'words'),
    [
        ('toy/sgdet.py', 'LinkNetRelHead for sgcls on FasterRCNN'),
        ('toy/motifs_sgcls.py', 'LinkNetRelHead for sgcls on FasterRCNN'),
        ('toy/faster-rcnn_r18.py', 'while FasterRCNN is trained here'),
    ],
)
def test_another_stage_or_method_is_refused(other, words, tmp_path):
    of_stage('toy/sgcls.py', tmp_path / 'a').train()
    path = str(tmp_path / 'a' / 'epoch_1.pth')
    runner = of_stage(other, tmp_path / 'b', load_from=path, resume=True)
    with pytest.raises(ValueError, match='cannot be resumed') as error:
        runner.train()
    assert path in str(error.value) and words in str(error.value)
    assert 'load_from=' in str(error.value)
    of_stage(other, tmp_path / 'c', load_from=path).train()


def test_another_model_or_optimizer_is_refused(run, tmp_path):
    checkpoint = torch.load(run / 'epoch_1.pth', weights_only=True)
    del checkpoint['meta']['trains']  # of an earlier version
    state_dict, optimizer = checkpoint['state_dict'], checkpoint['optimizer']
    path = tmp_path / 'a.pth'
    weight = state_dict.pop('layer.weight')
    for change, words in (
        ({}, r'without layer\.weight'),
        (
            {'layer.weight': weight[:, [0, 0]]},
            r'weight \(1, 2\), not \(1, 1\)',
        ),
        ({'layer.weight': weight}, '1 parameters in 1 groups'),
    ):
        state_dict.update(change)
        if 'groups' in words:
            optimizer['param_groups'][0]['params'] = [0]
        torch.save(checkpoint, path)
        runner = random_run(tmp_path, load_from=str(path), resume=True)
        with pytest.raises(ValueError, match=words):
            runner.train()


@pytest.mark.parametrize('max_epochs', [2, 3])
def test_a_run_that_has_ended_says_so(max_epochs, run, tmp_path):
    runner = random_run(
        tmp_path,
        max_epochs=max_epochs,
        load_from=str(run / 'epoch_3.pth'),
        resume=True,
    )
    runner.train()
    assert runner.trace.steps == {}
    [log] = tmp_path.glob('*/*.log')
    assert (
        'Nothing is left to train: the checkpoint stands at epoch 3 of '
        f'{max_epochs}'
    ) in log.read_text()


def test_a_killed_launcher_takes_its_workers_along(tmp_path):
    """Without its signal they would sleep on."""
    note = tmp_path / 'worker'

    def launcher():
        import os
        import time

        from mmsgg.engine.command_line import end_with_launcher

        os.environ['TORCHELASTIC_RUN_ID'] = 'none'
        if os.fork() == 0:
            end_with_launcher()
            note.write_text(str(os.getpid()))
            time.sleep(60)
            os._exit(0)
        while not note.exists() or not note.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), 9)

    assert forked.end(forked.start(launcher)) == -9
    assert is_gone(int(note.read_text()))


def is_gone(pid):
    import time
    from pathlib import Path

    for _ in range(200):
        try:
            state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2]
        except OSError:
            return True
        if state.split()[0] == 'Z':
            return True
        time.sleep(0.05)
    return False
