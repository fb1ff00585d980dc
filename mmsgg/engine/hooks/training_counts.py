"""Count the training set for the relation head and its loss."""

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmsgg.datasets import count_relations, scene_graphs_of
from mmsgg.engine.bare_model import bare_model
from mmsgg.registry import DATASETS, HOOKS


@HOOKS.register_module()
class FrequencyBiasHook(Hook):
    """Fill ``model.relation_head.frequency_bias`` from the training set.

    It acts before weights are loaded: a checkpoint that has the table keeps
    it, so testing and inference need no training set. A head that has more
    to start from the table has a method ``start_from_frequencies``.

    Args:
        must_overlap: Whether only overlapping pairs count as unrelated ones.
            True where, as in Visual Genome, most pairs are far apart and
            unrelated.
        count_for_test: Whether to count before testing too, for a head that
            is nothing but the table and never trained.
    """

    def __init__(
        self, must_overlap: bool = True, count_for_test: bool = False
    ) -> None:
        self.must_overlap = must_overlap
        self.count_for_test = count_for_test

    def before_run(self, runner: Runner) -> None:
        """Count once, in training or where the head asks for it."""
        model = bare_model(runner.model)
        bias = getattr(model.relation_head, 'frequency_bias', None)
        if bias is None:
            return
        dataset = _training_set(runner, self.count_for_test)
        if dataset is None:
            return
        counts = count_relations(dataset, must_overlap=self.must_overlap)
        bias.set_counts(counts)
        if hasattr(model.relation_head, 'start_from_frequencies'):
            model.relation_head.start_from_frequencies()
        if self.count_for_test and isinstance(runner._train_loop, BaseLoop):
            runner.logger.warning(
                'This table is to be tested as it was counted, and training '
                'changes it; for a checkpoint that holds the counts, set '
                'train_cfg.max_epochs=1 and optim_wrapper.optimizer.lr=0'
            )
        runner.logger.info(
            f'Frequency bias: counted {counts[..., :-1].sum()} relations and '
            f'{counts[..., -1].sum()} unrelated pairs of the training set'
        )


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
        dataset = _training_set(runner, self.count_for_test)
        if dataset is None:
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


def _training_set(runner: Runner, for_test: bool) -> Any:
    """The training set in training and, if so, in a test; else None."""
    if isinstance(runner._train_loop, BaseLoop):
        return runner.train_dataloader.dataset
    if for_test:
        return DATASETS.build(runner.cfg.train_dataloader.dataset)
    return None


def _listeners(runner: Runner) -> list[Any]:
    """List what wants to know the counts."""
    head = getattr(bare_model(runner.model), 'relation_head', None)
    parts = [head, getattr(head, 'loss_predicate', None)]
    return [part for part in parts if hasattr(part, 'set_counts')]
