"""Count the training set's predicates for the predicate loss."""

import numpy as np
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner

from mmsgg.datasets import scene_graphs_of
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class PredicateCountHook(Hook):
    """Tell ``model.relation_head.loss_predicate`` how often each predicate is.

    For a loss with ``set_counts``, as :class:`ClassBalancedLoss`.
    """

    def before_run(self, runner: Runner) -> None:
        """Count once, in training."""
        if not isinstance(runner._train_loop, BaseLoop):
            return
        dataset = runner.train_dataloader.dataset
        counts = np.bincount(
            scene_graphs_of(dataset).predicates,
            minlength=len(dataset.metainfo['predicates']),
        )
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model.relation_head.loss_predicate.set_counts(counts)
        runner.logger.info(
            f'Predicate loss: counted {counts.sum()} relations of '
            f'{len(counts)} predicates, from {counts.min()} to {counts.max()}'
        )
