"""What a signal does to a training, and to processes that it forks."""

import multiprocessing
import os
import signal
import time
from types import SimpleNamespace

import pytest

from mmsgg.engine.hooks import StopSignalHook


@pytest.fixture
def hook():
    hook = StopSignalHook()
    hook.before_train(SimpleNamespace(timestamp='now'))
    yield hook
    hook.after_train(None)


def fork(target):
    process = multiprocessing.get_context('fork').Process(target=target)
    process.start()
    return process


def test_it_notes_the_signal(hook):
    os.kill(os.getpid(), signal.SIGTERM)
    assert hook.received == signal.SIGTERM


@pytest.mark.parametrize('wait', [0, 0, 0, 0.05])
def test_a_fork_ends_on_sigterm(hook, wait):
    """Or a pool of processes, as that of mmdet's VOC metric, never ends.

    Nor may the signal be lost that comes while the process is being forked.
    """
    process = fork(lambda: time.sleep(60))
    time.sleep(wait)
    process.terminate()
    process.join(20)
    assert process.exitcode == -signal.SIGTERM
    assert not hook.received
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_ctrl_c_leaves_forks_to_their_parent(hook):
    """The terminal sends it to all, and the step is to be finished."""

    def work():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

    process = fork(work)
    process.join(20)
    assert process.exitcode == 0
