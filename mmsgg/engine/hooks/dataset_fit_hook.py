"""See that the data sets and the model are of one vocabulary."""

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from mmsgg.engine.agreement import check_sizes, first_difference, names_in
from mmsgg.engine.bare_model import bare_model
from mmsgg.registry import DATASETS, HOOKS


@HOOKS.register_module()
class DatasetFitHook(Hook):
    """Compare names and numbers before anything is trained or tested.

    ``num_classes`` and ``num_predicates`` of the detector and of the relation
    head must be those of the data set. The names of the training, validation
    and test set must be the same, in the same order; before a test, those of
    the training set count where a frequency table is counted from it. What a
    data set has no names for is not compared.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Compare, once.

        Raises:
            ValueError: On the first size or name that differs.
        """
        model = bare_model(runner.model)
        reference: tuple[dict, str] | None = None
        for dataset, split in _datasets_of(runner):
            names = names_in(getattr(dataset, 'metainfo', None))
            where = f'the {split} set ({title_of(dataset)})'
            if reference is None:
                check_sizes(model, names, where)
                reference = names, where
            elif difference := first_difference(*reference, names, where):
                raise ValueError(
                    f'{difference}; labels are places in these lists, so '
                    'give all splits the same ones, such as with '
                    'metainfo=dict(classes=[...], predicates=[...])'
                )


def title_of(dataset: Any) -> str:
    """What messages call a data set."""
    return getattr(dataset, 'title', type(dataset).__name__)


def _datasets_of(runner: Runner) -> Iterator[tuple[Any, str]]:
    """Yield the data sets that take part, the first as the reference."""
    if isinstance(runner._train_loop, BaseLoop):
        yield runner.train_dataloader.dataset, 'training'
        if isinstance(runner._val_loop, BaseLoop):
            yield runner.val_dataloader.dataset, 'validation'
        yield from _not_built(runner, 'test')
    elif isinstance(runner._test_loop, BaseLoop):
        yield runner.test_dataloader.dataset, 'test'
        if any(
            getattr(hook, 'count_for_test', False) for hook in runner.hooks
        ):
            yield from _not_built(runner, 'train')


def _not_built(runner: Runner, split: str) -> Iterator[tuple[Any, str]]:
    """Yield a data set of the config for its names, if it is there.

    Most know their names without a file; :class:`SceneGraphJsonDataset` is
    read. Where its file is missing, or a data set of one's own takes no
    ``lazy_init``, the names are compared once it is used.
    """
    settings = (runner.cfg.get(f'{split}_dataloader') or {}).get('dataset')
    if not isinstance(settings, dict):
        return
    settings = dict(settings, lazy_init=True)
    if 'pipeline' in settings:
        settings['pipeline'] = []
    try:
        dataset = DATASETS.build(settings)
        names_in(dataset.metainfo)
    except (FileNotFoundError, TypeError) as error:
        runner.logger.info(f'Names of the {split} set not compared: {error}')
    else:
        yield dataset, 'training' if split == 'train' else split
