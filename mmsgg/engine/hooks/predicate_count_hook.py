"""Count the training set's predicates for the head and its loss."""

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmsgg.datasets import scene_graphs_of
from mmsgg.engine.bare_model import bare_model
from mmsgg.registry import DATASETS, HOOKS


@HOOKS.register_module()
class PredicateCountHook(Hook):
    """Tell a relation head, and its loss, how often each predicate is.

    They are told by their method ``set_counts``: the head keeps the counts in
    its checkpoint, for :class:`LogitAdjustment`; of the losses
    :class:`ClassBalancedLoss` and :class:`LogitAdjustedLoss` have it. Where
    neither has, nothing is counted.

    Args:
        count_for_test: Whether to count before testing too, for a checkpoint
            without counts; one that has them keeps its own.
    """

    #: Before EMAHook copies the model.
    priority = 'ABOVE_NORMAL'

    def __init__(self, count_for_test: bool = False) -> None:
        self.count_for_test = count_for_test
        self._counts: np.ndarray | None = None

    def before_run(self, runner: Runner) -> None:
        """Count once, in training or where it is asked for."""
        if not _listeners(runner):
            return
        if isinstance(runner._train_loop, BaseLoop):
            dataset = runner.train_dataloader.dataset
        elif self.count_for_test:
            dataset = DATASETS.build(runner.cfg.train_dataloader.dataset)
        else:
            return
        self._counts = counts = np.bincount(
            scene_graphs_of(dataset).predicates,
            minlength=len(dataset.metainfo['predicates']),
        )
        self.before_train(runner)
        runner.logger.info(
            f'Predicates: counted {counts.sum()} relations of '
            f'{len(counts)} predicates, from {counts.min()} to {counts.max()}'
        )

    def before_train(self, runner: Runner) -> None:
        """Tell again: weights to start from may have counts of other data."""
        if self._counts is not None:
            for listener in _listeners(runner):
                listener.set_counts(self._counts)


def _listeners(runner: Runner) -> list[Any]:
    """List what wants to know the counts."""
    head = getattr(bare_model(runner.model), 'relation_head', None)
    parts = [head, getattr(head, 'loss_predicate', None)]
    return [part for part in parts if hasattr(part, 'set_counts')]
