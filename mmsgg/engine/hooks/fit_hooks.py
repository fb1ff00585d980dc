"""See that model, data sets, loaders and checkpoints fit each other."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from mmcv.ops import SyncBatchNorm
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn

from mmsgg.engine.agreement import (
    check_sizes,
    detector_of_classes,
    first_difference,
    names_in,
)
from mmsgg.engine.bare_model import bare_model
from mmsgg.engine.checkpoint_fit import (
    check_finite_weights,
    check_weights,
    current_weights,
    misfits,
)
from mmsgg.engine.loader_checks import check_evaluation, check_training
from mmsgg.registry import DATASETS, HOOKS


@HOOKS.register_module()
class DatasetFitHook(Hook):
    """Compare names and numbers before anything is trained or tested.

    ``num_classes`` and ``num_predicates`` of the detector and of the relation
    head must be those of the data set. The names of the training, validation
    and test set must be the same, in the same order; before a test, those of
    the training set count where a frequency table is counted from it. What a
    data set has no names for is not compared.

    A frequency table that nothing has filled is reported, and ``sync_bn`` of
    the config is refused where it would change the relation head.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Compare, once.

        Raises:
            ValueError: On the first size or name that differs, or on a
                batch norm that ``sync_bn`` replaced.
        """
        model = bare_model(runner.model)
        if isinstance(runner._train_loop, BaseLoop):
            _check_batch_norm(runner, model)
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

    def before_train(self, runner: Runner) -> None:
        """Look at the frequency table, counted or loaded by now."""
        head = getattr(bare_model(runner.model), 'relation_head', None)
        bias = getattr(head, 'frequency_bias', None)
        if bias is not None and not any(p.any() for p in bias.parameters()):
            _warn(
                'relation_head.frequency_bias is all zero: nothing counted '
                'the training set. A config with custom_hooks of its own '
                "replaces those of the schedule; add dict(type='"
                "FrequencyBiasHook') to them, or set "
                'model.relation_head.frequency_bias=False'
            )

    def before_test(self, runner: Runner) -> None:
        """As :meth:`before_train`."""
        self.before_train(runner)


def _check_batch_norm(runner: Runner, model: nn.Module) -> None:
    """Refuse a relation head of which the runner replaced batch norms.

    It does so where it wraps the model for several processes, in all that
    torch's batch norm is a base of, :class:`RobustBatchNorm1d` included.
    """
    head = getattr(model, 'relation_head', None)
    if head is None or not runner.cfg.get('sync_bn'):
        return
    for name, part in head.named_modules():
        if isinstance(part, (nn.SyncBatchNorm, SyncBatchNorm)):
            raise ValueError(
                f'sync_bn={runner.cfg.sync_bn!r} of the config made '
                f'relation_head.{name} a SyncBatchNorm, which is not for the '
                'few pairs of a batch: its running statistics stay near their '
                'start values, and a batch may have no pair; leave sync_bn '
                'out, and for a detector that is trained write '
                "norm_cfg=dict(type='SyncBN', requires_grad=True) in its "
                'parts, such as model.detector.backbone'
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


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Compare a checkpoint with the model and the data set, as it is loaded.

    A test with layers left random, or with labels that mean something else,
    says nothing and is refused. In training

    - layers of another shape are left out, as mmengine does, and named: that
      is how a detector with other classes (mmdet's of COCO) serves as a
      start;
    - where the shapes are the same and the names are not, a detector that is
      trained on learns the new ones, and the log says so; a frozen detector
      or a relation head is refused, and so are the same names in another
      order;
    - weights that are not finite are refused.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint, before it takes effect.

        Raises:
            ValueError: If it is refused.
        """
        model = bare_model(runner.model)
        if isinstance(runner._test_loop, BaseLoop):
            weights = check_weights(model, checkpoint)
            dataset = runner.test_dataloader.dataset
            _check_names(model, checkpoint, weights, dataset, 'test')
            return
        weights = current_weights(model, checkpoint)
        check_finite_weights(weights)
        if layers := misfits(model, weights):
            _warn(
                'Layers of the checkpoint left out, since they have another '
                f'shape here: {layers}. They start anew'
            )
        if isinstance(runner._train_loop, BaseLoop):
            dataset = runner.train_dataloader.dataset
            _check_names(model, checkpoint, weights, dataset, 'training')


def _check_names(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    dataset: Any,
    split: str,
) -> None:
    """Refuse or report names that are others than those of the data set."""
    has_head = any(name.startswith('relation_head.') for name in weights)
    meta = checkpoint.get('meta') or {}
    saved = names_in(meta.get('dataset_meta'))
    names = names_in(getattr(dataset, 'metainfo', None))
    if not has_head:
        names.pop('predicates', None)
        if hasattr(model, 'relation_head') and not detector_of_classes(model):
            return
    if split == 'training':  # else another shape, which starts anew
        names = {
            kind: listed
            for kind, listed in names.items()
            if len(listed) == len(saved.get(kind, ()))
        }
    where = f'the {split} set ({title_of(dataset)})'
    difference = first_difference(saved, 'the checkpoint', names, where)
    if not difference:
        return
    shuffled = any(
        set(saved[kind]) == set(listed) and list(saved[kind]) != list(listed)
        for kind, listed in names.items()
        if kind in saved
    )
    frozen = getattr(model, 'freeze_detector', False)
    if split == 'test' or shuffled or has_head or frozen:
        raise ValueError(
            f'{difference}; labels are places in these lists, so give the '
            'data set the order of the checkpoint, such as with '
            'metainfo=dict(classes=[...], predicates=[...]), or load a '
            'checkpoint of this data'
        )
    _warn(
        f'The checkpoint is of other classes: {difference}. Its layers are '
        'the start for those of this data'
    )


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)


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
