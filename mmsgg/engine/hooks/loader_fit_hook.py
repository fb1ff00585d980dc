"""See that the loaders give what a training or a test is to work on."""

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmsgg.engine.loader_checks import check_evaluation, check_training
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class LoaderFitHook(Hook):
    """Refuse epochs without a batch, and scores of less than their set."""

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Look at the loaders of this run.

        Raises:
            ValueError: As :func:`~mmsgg.engine.loader_checks.check_training`
                and :func:`~mmsgg.engine.loader_checks.check_evaluation` do.
        """
        if isinstance(runner._train_loop, BaseLoop):
            check_training(runner)
        if isinstance(runner._val_loop, BaseLoop):
            loader, evaluator = runner.val_dataloader, runner.val_evaluator
            check_evaluation(loader, evaluator, 'val')
        if isinstance(runner._test_loop, BaseLoop):
            loader, evaluator = runner.test_dataloader, runner.test_evaluator
            check_evaluation(loader, evaluator, 'test')
