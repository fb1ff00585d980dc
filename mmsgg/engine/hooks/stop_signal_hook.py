"""End training on a signal, at a step that it can go on from."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from mmengine.dist import is_distributed
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch.distributed import distributed_c10d

from mmsgg.registry import HOOKS

from .atomic_checkpoint_hook import AtomicCheckpointHook

SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: More than there are numbers of signals.
NUM_SIGNALS = 128
#: The hook that listens for signals in this process, if any.
_listening: list[Any] = []


def _hold_signals() -> None:
    """Hold signals back until a fork is over, or its child loses them."""
    if _listening:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _release_signals() -> None:
    if _listening:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _leave_to_parent() -> None:
    """In a fork, end on SIGTERM as ever, and leave Ctrl-C to the parent."""
    if _listening:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # not SIG_IGN, which a program that it starts would keep
        signal.signal(signal.SIGINT, lambda number, frame: None)
        _release_signals()
        _listening.clear()


if hasattr(os, 'register_at_fork'):  # Windows has no forks
    os.register_at_fork(
        before=_hold_signals,
        after_in_parent=_release_signals,
        after_in_child=_leave_to_parent,
    )


@HOOKS.register_module()
class StopSignalHook(Hook):
    """Write a checkpoint and end where a batch system, or Ctrl-C, asks for it.

    The step under way is finished first. Several processes agree on the step
    over the store that they met at, a look at it a step; it is the step after
    the one at which the first of them saw its signal, since none can finish
    that one without the others. A validation ends at once: the checkpoint of
    its epoch is written, before it or now, and a resumed run validates anew.
    A second Ctrl-C ends a single process at once. Forks of the process, as
    the pool of mmdet's VOC metric, end on SIGTERM as ever.

    The exit code is 128 and the number of the signal, as of a shell.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.received = 0
        self._handlers: dict[signal.Signals, Any] = {}

    def before_train(self, runner: Runner) -> None:
        """Listen for signals, from now on."""
        self.received = 0
        self._key = f'mmsgg/stop/{runner.timestamp}'
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._handlers[number] = signal.signal(number, self._receive)
            _listening.append(self)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """End here if it is time.

        Raises:
            SystemExit: With the code of the signal.
        """
        step, number = self._stop_at(runner.iter)
        # gradients that are gathered over several steps would be lost
        update = getattr(runner.optim_wrapper, 'should_update', lambda: True)
        if number == 0 or runner.iter < step or not update():
            return
        hooks = _checkpoint_hooks(runner)
        for hook in hooks:
            hook.save_within_epoch(runner)
        where = f'; {hooks[0].last_ckpt} goes on from here' if hooks else ''
        self._end(runner, number, f'after step {runner.iter + 1}{where}')

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """End within a validation in training.

        Raises:
            SystemExit: With the code of the signal.
        """
        if not (self.received and isinstance(runner._train_loop, BaseLoop)):
            return
        for hook in _checkpoint_hooks(runner):
            hook.save_within_validation(runner)
        # the other processes may be waiting for something else than farewell
        leave: Callable[[int], Any] = sys.exit
        if is_distributed():
            leave = os._exit
        self._end(runner, self.received, 'while validating', leave)

    def after_train(self, runner: Runner) -> None:
        """Leave signals to those who had them."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        _listening.clear()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received and number == signal.SIGINT and not is_distributed():
            raise KeyboardInterrupt
        self.received = number

    def _stop_at(self, step: int) -> tuple[int, int]:
        """The step to end after, and the number of the signal or 0."""
        if not is_distributed():
            return step, self.received
        store = distributed_c10d._get_default_store()
        agreed = store.add(self._key, 0)  # nothing but sums can be asked for
        if agreed:
            return divmod(agreed, NUM_SIGNALS)
        if self.received and store.add(f'{self._key}/first', 1) == 1:
            store.add(self._key, (step + 1) * NUM_SIGNALS + self.received)
        return step, 0

    def _end(
        self,
        runner: Runner,
        number: int,
        where: str,
        leave: Callable[[int], Any] = sys.exit,
    ) -> None:
        name = signal.Signals(number).name
        runner.logger.info(f'Training ends on {name} {where}')
        self.after_train(runner)
        leave(128 + number)


def _checkpoint_hooks(runner: Runner) -> list[AtomicCheckpointHook]:
    return [h for h in runner.hooks if isinstance(h, AtomicCheckpointHook)]
