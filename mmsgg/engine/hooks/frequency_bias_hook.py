"""Count the training set for the frequency bias."""

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmsgg.datasets import count_relations
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
        if isinstance(runner._train_loop, BaseLoop):
            dataset = runner.train_dataloader.dataset
        elif self.count_for_test:
            dataset = DATASETS.build(runner.cfg.train_dataloader.dataset)
        else:
            return
        counts = count_relations(dataset, must_overlap=self.must_overlap)
        bias.set_counts(counts)
        if hasattr(model.relation_head, 'start_from_frequencies'):
            model.relation_head.start_from_frequencies()
        runner.logger.info(
            f'Frequency bias: counted {counts[..., :-1].sum()} relations and '
            f'{counts[..., -1].sum()} unrelated pairs of the training set'
        )
