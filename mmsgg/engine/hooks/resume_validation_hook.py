"""Tell a resumed plateau the score of the epoch it goes on from."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmsgg.registry import HOOKS


@HOOKS.register_module()
class ResumeValidationHook(Hook):
    """Validate a resumed epoch if its checkpoint was written before that.

    mmengine writes the checkpoint of an epoch, then validates. A scheduler
    that follows the score would miss the one of that epoch, and lower the
    rate later than in a run without a break.
    """

    priority = 'LOWEST'  # CheckpointHook is to be ready

    def before_train(self, runner: Runner) -> None:
        """Validate where a scheduler has seen too few scores."""
        loop = runner.train_loop
        due = sum(
            epoch % loop.val_interval == 0
            for epoch in range(loop.val_begin, runner.epoch + 1)
        )
        seen = [
            scheduler.last_step + 1
            for scheduler in runner.param_schedulers or ()
            if getattr(scheduler, 'need_val_args', False)
        ]
        if seen and min(seen) < due:
            runner.logger.info(
                f'Validating epoch {runner.epoch}, whose score the checkpoint '
                'does not know'
            )
            runner.val_loop.run()
