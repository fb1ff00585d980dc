"""Validate the epoch that a run goes on from, where that was not done."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmsgg.registry import HOOKS


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
