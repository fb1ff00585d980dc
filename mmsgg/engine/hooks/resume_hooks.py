"""Resume a run with a checkpoint of the same run, to the same end."""

import logging
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmsgg.engine.bare_model import bare_model
from mmsgg.engine.checkpoint_fit import current_weights
from mmsgg.engine.checkpoint_reading import CheckpointError
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class ResumeFitHook(Hook):
    """Refuse to resume what another stage or method has written.

    Such a checkpoint brings the epochs, rates and optimizer of another
    training. Its weights are for ``load_from``. A run that has reached its
    last epoch is told so.
    """

    priority = 'VERY_HIGH'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write what is trained into the checkpoint."""
        checkpoint['meta']['trains'] = _what_is_trained(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare, before anything of the checkpoint takes effect.

        Raises:
            CheckpointError: If the checkpoint is resumed and is of another
                stage, method or detector.
        """
        if not runner._resume:
            return
        here = _what_is_trained(runner)
        there = checkpoint.get('meta', {}).get('trains', here)
        difference = f'it holds {there}, while {here} is trained here'
        if here == there:
            difference = _first_difference(runner, checkpoint)
        if difference:
            raise CheckpointError(
                f'{runner._load_from or "The last checkpoint"} cannot be '
                f'resumed: {difference}. To start from its weights, leave '
                '--resume away and set --cfg-options load_from=FILE'
            )

    def before_train(self, runner: Runner) -> None:
        """Say where nothing is left to train."""
        if runner._resume and 0 < runner.max_epochs <= runner.epoch:
            print_log(
                f'Nothing is left to train: the checkpoint stands at epoch '
                f'{runner.epoch} of {runner.max_epochs}. A longer run needs '
                'a higher train_cfg.max_epochs',
                logger='current',
                level=logging.WARNING,
            )


def _what_is_trained(runner: Runner) -> str:
    """Task, relation head and detector of a run, in words."""
    model = runner.cfg.get('model')
    if not isinstance(model, Mapping):
        return type(model).__name__

    def kind(part: Any) -> str:
        return str(part['type']).rpartition('.')[-1]

    if 'relation_head' not in model:
        return kind(model)
    text = f'{kind(model["relation_head"])} for {model.get("task", "sgdet")}'
    if model.get('detector'):
        text += f' on {kind(model["detector"])}'
    return text


def _first_difference(runner: Runner, checkpoint: dict) -> str:
    """What of the model or its optimizer is not that of the checkpoint."""
    model = bare_model(runner.model)
    weights = current_weights(model, checkpoint)
    for name, value in model.named_parameters():
        shape = tuple(value.shape)
        if name not in weights:
            return f'it holds another model, without {name} {shape}'
        if weights[name].shape != value.shape:
            other = tuple(weights[name].shape)
            return f'it holds another model, with {name} {other}, not {shape}'
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapper) and 'optimizer' in checkpoint:
        there, here = (
            [len(group['params']) for group in groups]
            for groups in (
                checkpoint['optimizer']['param_groups'],
                wrapper.optimizer.param_groups,
            )
        )
        if there != here:
            return (
                f'it trains {sum(there)} parameters in {len(there)} groups, '
                f'here {sum(here)} are trained in {len(here)}'
            )
    return ''


@HOOKS.register_module()
class ResumeValidationHook(Hook):
    """Validate a resumed epoch if its checkpoint was written before that.

    The checkpoint of an epoch is written, then the epoch is validated. A run
    that was killed in between would miss the score: a scheduler that follows
    it would lower the rate later than in a run without a break, and the best
    might be another one.
    """

    priority = 'LOWEST'  # CheckpointHook is to be ready

    def before_train(self, runner: Runner) -> None:
        """Validate where a score is due that the checkpoint does not know."""
        loop = runner.train_loop
        if runner.epoch == 0 or runner.val_loop is None:
            return
        loop._decide_current_val_interval()
        due = [
            epoch
            for epoch in range(max(loop.val_begin, 1), runner.epoch + 1)
            if epoch % loop.val_interval == 0 or epoch == loop.max_epochs
        ]
        known = runner.message_hub.runtime_info.get('last_validation')
        if known is None:  # a checkpoint of an earlier version
            seen = [
                scheduler.last_step + 1
                for scheduler in runner.param_schedulers or ()
                if getattr(scheduler, 'need_val_args', False)
            ]
            missing = bool(seen) and min(seen) < len(due)
        else:
            missing = runner.epoch in due and known < runner.epoch
        if missing:
            runner.logger.info(
                f'Validating epoch {runner.epoch}, whose score the checkpoint '
                'does not know'
            )
            runner.val_loop.run()
