"""End training where a parameter group has all but stopped to learn."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.optim import ConstantParamScheduler, LinearParamScheduler
from mmengine.runner import BaseLoop, Runner

from mmsgg.registry import HOOKS


@HOOKS.register_module()
class StopAtLowRateHook(Hook):
    """End training once a group's rate is at most the base rate / ``ratio``.

    The rule of linknet-pytorch and neural-motifs for relations. Their fc6
    and fc7 run at a tenth of the base rate, so that the first decay by 10
    ends training; with a ratio of 999 it is the second.

    The rates are looked at after each validation, where a plateau lowers
    them, and when a run is resumed, but not while a warm-up holds them down.
    The base rate is the highest one that a group started with, after
    ``--auto-scale-lr``.

    Args:
        ratio: Of the base rate to the rate that ends training.
    """

    priority = 'LOWEST'  # after ParamSchedulerHook

    def __init__(self, ratio: float = 99.0) -> None:
        self.ratio = ratio

    def before_train(self, runner: Runner) -> None:
        """Do not go on from a checkpoint where training had ended."""
        if runner.iter > 0:
            self._stop_at_low_rate(runner)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Look at the rates, in training only."""
        if isinstance(runner._train_loop, BaseLoop):
            self._stop_at_low_rate(runner)

    def _stop_at_low_rate(self, runner: Runner) -> None:
        # not of the wrapper: mmengine keeps a group without weights in it,
        # whose rate --auto-scale-lr leaves as it was
        groups = runner.optim_wrapper.optimizer.param_groups
        base = max(group.get('initial_lr', group['lr']) for group in groups)
        lowest = min(group['lr'] for group in groups)
        if lowest > base / self.ratio or _warms_up(runner):
            return
        runner.train_loop.stop_training = True
        runner.logger.info(
            f'Training ends after epoch {runner.epoch}: the learning rate of '
            f'a parameter group is {lowest:.3g}, at most 1 / {self.ratio:g} '
            f'of the base rate {base:.3g}'
        )


def _warms_up(runner: Runner) -> bool:
    """Whether a warm-up of the rates is still under way."""
    schedulers: Any = runner.param_schedulers
    for scheduler in schedulers or ():
        if isinstance(scheduler, LinearParamScheduler):
            rises = scheduler.start_factor < scheduler.end_factor
        else:  # constant until it ends, then the full rate
            rises = isinstance(scheduler, ConstantParamScheduler)
        if rises and scheduler.last_step < scheduler.total_iters:
            return True
    return False
