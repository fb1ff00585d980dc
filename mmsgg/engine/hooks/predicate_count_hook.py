"""Count the training set's predicates for the predicate loss."""

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmsgg.datasets import scene_graphs_of
from mmsgg.engine.bare_model import bare_model
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class PredicateCountHook(Hook):
    """Tell ``model.relation_head.loss_predicate`` how often each predicate is.

    For a loss with ``set_counts``, as :class:`ClassBalancedLoss`; others need
    no counts, and nothing is counted.
    """

    def before_run(self, runner: Runner) -> None:
        """Count once, in training."""
        model = bare_model(runner.model)
        loss: Any = getattr(model.relation_head, 'loss_predicate', None)
        in_training = isinstance(runner._train_loop, BaseLoop)
        if not in_training or not hasattr(loss, 'set_counts'):
            return
        dataset = runner.train_dataloader.dataset
        counts = np.bincount(
            scene_graphs_of(dataset).predicates,
            minlength=len(dataset.metainfo['predicates']),
        )
        loss.set_counts(counts)
        runner.logger.info(
            f'Predicate loss: counted {counts.sum()} relations of '
            f'{len(counts)} predicates, from {counts.min()} to {counts.max()}'
        )
