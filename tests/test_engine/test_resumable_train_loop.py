"""A resumed run equals the one that was not interrupted."""

import os
import random
import signal
import socket
from pathlib import Path

import pytest
import torch
from torch import distributed

from mmsgg.engine import newest_checkpoint

from .. import forked
from .random_run import STEPS, Trace, random_run

EVERY_STEP = dict(by_epoch=False, interval=1, max_keep_ckpts=-1)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_any_step_can_be_resumed_from(num_workers, tmp_path):
    whole = random_run(
        tmp_path, num_workers=num_workers, checkpoint=EVERY_STEP
    )
    whole.train()
    assert len(whole.trace.steps) == 4 * STEPS
    assert len({loss for _, loss, _ in whole.trace.steps.values()}) == 12
    assert len({rate for *_, rate in whole.trace.steps.values()}) > 1
    for step in (2, STEPS + 1):
        resumed = random_run(
            tmp_path / str(step),
            # workers of the other kind draw the same
            num_workers=2 - num_workers if step == 2 else num_workers,
            load_from=str(tmp_path / f'iter_{step}.pth'),
            resume=True,
            checkpoint=EVERY_STEP,
        )
        resumed.train()
        left = {k: v for k, v in whole.trace.steps.items() if k >= step}
        assert resumed.trace.steps == left
        assert resumed.epoch == whole.epoch
        assert_same_weights(resumed.model, whole.model)


def assert_same_weights(found, expected):
    for name, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


def test_a_step_starts_those_of_the_gpus_and_an_item_does_not(
    tmp_path, monkeypatch
):
    runner = random_run(tmp_path, max_epochs=2)
    seeds = []
    monkeypatch.setattr(torch.cuda, 'manual_seed_all', seeds.append)
    runner.train()
    assert len(seeds) == len(set(seeds)) == 2 * STEPS


def test_another_length_of_an_epoch_keeps_the_share(tmp_path):
    random_run(tmp_path, checkpoint=EVERY_STEP).train()
    path = tmp_path / f'iter_{STEPS + 2}.pth'
    checkpoint = torch.load(path, weights_only=True)
    # as of half the number of processes
    info = checkpoint['message_hub']['runtime_info']
    info.update(epoch_length=2 * STEPS, epoch_start=[1, 2 * STEPS])
    checkpoint['meta'].update(epoch=1, iter=2 * STEPS + 2)
    torch.save(checkpoint, path)
    resumed = random_run(tmp_path / 'b', load_from=str(path), resume=True)
    resumed.train()
    batches = [batch for batch, *_ in resumed.trace.steps.values()]
    assert batches == [1, 2, 0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize('known', [True, False])
def test_epochs_of_another_length_leave_none_out(known, tmp_path):
    random_run(tmp_path, max_epochs=1).train()
    path = tmp_path / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=True)
    # as of half the number of processes, of this loop and of mmengine's
    info = checkpoint['message_hub']['runtime_info']
    info.update(epoch_length=2 * STEPS, epoch_start=[0, 0])
    if not known:
        del info['epoch_length'], info['epoch_start']
    checkpoint['meta']['iter'] = 2 * STEPS
    torch.save(checkpoint, path)
    for epochs in (2, 3):  # resumed, and resumed once more
        path = newest_checkpoint(tmp_path).path
        resumed = random_run(
            tmp_path, max_epochs=epochs, load_from=str(path), resume=True
        )
        resumed.train()
        batches = [batch for batch, *_ in resumed.trace.steps.values()]
        assert batches == [0, 1, 2]


def test_a_scheduler_with_a_function_goes_on(tmp_path):
    options = dict(
        checkpoint=EVERY_STEP,
        param_scheduler=dict(
            type='OneCycleLR', eta_max=0.1, total_steps=12, by_epoch=False
        ),
    )
    whole = random_run(tmp_path, **options)
    whole.train()
    path = str(tmp_path / 'iter_4.pth')
    resumed = random_run(
        tmp_path / 'b', load_from=path, resume=True, **options
    )
    resumed.train()
    left = {k: v for k, v in whole.trace.steps.items() if k >= 4}
    assert resumed.trace.steps == left


def signalled_run(work_dir, number, at, in_val=False, rank=0, **kwargs):
    """Send itself a signal after a step, or in the validation of an epoch."""

    def act(step):
        if step == at and rank == 0:
            os.kill(os.getpid(), number)

    trace = Trace(None if in_val else act, act if in_val else None)
    path = newest_checkpoint(work_dir).path
    options = dict(load_from=str(path), resume=True) if path else {}
    runner = random_run(
        work_dir, trace=trace, randomness=dict(seed=5), **options, **kwargs
    )
    code = 0
    try:
        runner.train()
    except SystemExit as stop:
        code = stop.code
    return runner, code


@pytest.mark.parametrize(
    ('number', 'at', 'in_val'),
    [
        (signal.SIGTERM, 0, False),
        (signal.SIGINT, STEPS + 1, False),
        (signal.SIGTERM, STEPS - 1, False),  # the last step of an epoch
        (signal.SIGTERM, 2, True),
    ],
)
def test_a_signal_ends_at_a_step_to_go_on_from(number, at, in_val, tmp_path):
    handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    whole, code = signalled_run(tmp_path / 'whole', 0, -1)
    assert code == 0
    stopped, code = signalled_run(tmp_path, number, at, in_val)
    assert code == 128 + number
    assert handlers == [
        signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)
    ]
    assert max(stopped.trace.steps) == (2 * STEPS - 1 if in_val else at)
    resumed, code = signalled_run(tmp_path, 0, -1)
    assert code == 0
    assert {**stopped.trace.steps, **resumed.trace.steps} == (
        whole.trace.steps
    )
    assert_same_weights(resumed.model, whole.model)
    names = {path.name for path in (tmp_path / 'whole').glob('*.pth')}
    assert {path.name for path in tmp_path.glob('*.pth')} == names


def test_a_signal_in_a_validation_loses_no_epoch(tmp_path):
    """Where checkpoints are written less often than scores."""
    rarely = dict(checkpoint=dict(interval=4))
    whole, _ = signalled_run(tmp_path / 'whole', 0, -1, **rarely)
    stopped, code = signalled_run(
        tmp_path, signal.SIGTERM, 3, in_val=True, **rarely
    )
    assert code == 128 + signal.SIGTERM
    resumed, code = signalled_run(tmp_path, 0, -1, **rarely)
    assert code == 0
    assert min(resumed.trace.steps) == 3 * STEPS
    assert {**stopped.trace.steps, **resumed.trace.steps} == (
        whole.trace.steps
    )
    assert_same_weights(resumed.model, whole.model)
    names = {path.name for path in (tmp_path / 'whole').glob('*.pth')}
    assert {path.name for path in tmp_path.glob('*.pth')} == names


def worker(rank, port, work_dir, at):
    """One of two processes; the first one gets a signal and the other not."""
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE='2',
        LOCAL_RANK=str(rank),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
    distributed.init_process_group('gloo')
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None)
    random.seed(0)  # one name for the two
    runner = random_run(
        work_dir,
        trace=Trace(
            lambda step: rank == 1 and step == at and os.kill(os.getpid(), 15)
        ),
        randomness=dict(seed=5),
        launcher='pytorch',
        env_cfg=dict(dist_cfg=dict(backend='gloo')),
        cfg=dict(model_wrapper_cfg=wrapper),
        **(
            dict(load_from=str(path), resume=True)
            if (path := newest_checkpoint(work_dir).path)
            else {}
        ),
    )
    try:
        runner.train()
    finally:
        torch.save(runner.trace.steps, f'{work_dir}/{rank}_{at}.steps')
        distributed.barrier()


def run_two(work_dir, at):
    """The exit codes of two processes, and what each has trained."""
    work_dir.mkdir(exist_ok=True)
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
    pids = [forked.start(worker, r, port, work_dir, at) for r in range(2)]
    codes = [forked.end(pid) for pid in pids]
    return codes, [
        torch.load(Path(work_dir, f'{rank}_{at}.steps')) for rank in range(2)
    ]


def test_two_processes_stop_together_and_go_on(tmp_path):
    codes, whole = run_two(tmp_path / 'whole', -1)
    assert codes == [0, 0]
    codes, stopped = run_two(tmp_path / 'cut', 2)
    assert codes == [143, 143]
    # the step after the one in which one of them saw the signal
    assert [max(steps) for steps in stopped] == [3, 3]
    codes, resumed = run_two(tmp_path / 'cut', -1)
    assert codes == [0, 0]
    for rank in range(2):
        assert stopped[rank] | resumed[rank] == whole[rank]
    assert whole[0] != whole[1]  # they draw other numbers
