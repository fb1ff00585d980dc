"""See that a checkpoint fits the model and the data."""

import logging
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn

from mmsgg.engine.agreement import (
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
from mmsgg.registry import HOOKS

from .dataset_fit_hook import title_of


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
