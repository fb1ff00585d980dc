"""Whether a checkpoint fits a model, and is enough for a test."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmsgg.models.layers import FrequencyBias

MOST_NAMED = 4  # parts that a message names


def current_weights(
    model: nn.Module, checkpoint: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The weights of a checkpoint under the names that they have here.

    Args:
        model: The model that they are for.
        checkpoint: What was read from a file; it stays as it is.
    """
    weights = {
        re.sub(r'^module\.', '', name): value
        for name, value in checkpoint.get('state_dict', checkpoint).items()
    }
    rename: Any = getattr(model, 'rename_weights', None)
    if rename is not None:
        rename(weights)
    return weights


def misfits(model: nn.Module, weights: Mapping[str, Tensor]) -> str:
    """Name the weights that have another shape in the model, if any."""
    return '; '.join(
        f'{name} {tuple(weights[name].shape)}, here {tuple(value.shape)}'
        for name, value in model.state_dict().items()
        if name in weights and weights[name].shape != value.shape
    )


def missing_parts(
    model: nn.Module, weights: Mapping[str, Tensor]
) -> list[str]:
    """List the parts of a model that hold learnt state which is not there.

    Learnt are parameters and the running statistics of normalisation; other
    buffers are computed. A frequency table that a hook has counted needs no
    checkpoint.

    Args:
        model: The model.
        weights: Of :func:`current_weights`.

    Returns:
        Each part once, such as 'relation_head.predicate_fc'.
    """
    learnt = [name for name, _ in model.named_parameters()]
    learnt += [
        name
        for name, _ in model.named_buffers()
        if name.endswith(('running_mean', 'running_var'))
    ]
    counted = {
        f'{name}.table.weight'
        for name, module in model.named_modules()
        if isinstance(module, FrequencyBias) and module.table.weight.any()
    }
    missing = [n for n in learnt if n not in weights and n not in counted]
    return [*dict.fromkeys(_part_of(name) for name in missing)]


def check_weights(
    model: nn.Module, checkpoint: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Refuse to test a model with a checkpoint that leaves it partly random.

    Args:
        model: The model, before the weights are loaded.
        checkpoint: What was read from the file.

    Returns:
        Its weights, as :func:`current_weights` names them.

    Raises:
        ValueError: If weights have another shape, are missing or are not
            finite; it names them.
    """
    weights = current_weights(model, checkpoint)
    if layers := misfits(model, weights):
        raise ValueError(
            f'The checkpoint does not fit the model of the config: '
            f'{layers}. Test it with the config it was trained with'
        )
    if parts := missing_parts(model, weights):
        of_detector = hasattr(model, 'relation_head') and not any(
            name.startswith('relation_head.') for name in weights
        )
        raise ValueError(
            f'The checkpoint {"is of a detector and " * of_detector}leaves '
            f'part of the model random: {_some(parts)} is not in it. Test '
            'the checkpoint of a training of this config'
        )
    check_finite_weights(weights)
    return weights


def check_finite_weights(weights: Mapping[str, Tensor]) -> None:
    """Refuse weights that are infinite or not a number.

    Raises:
        ValueError: On the first parts with such weights, which it names.
    """
    parts = dict.fromkeys(
        _part_of(name)
        for name, value in weights.items()
        if isinstance(value, Tensor) and not torch.isfinite(value).all()
    )
    if parts:
        raise ValueError(
            f'Weights are not finite: {_some(parts)}. The training of this '
            'checkpoint diverged; take an earlier one'
        )


def _part_of(name: str) -> str:
    """The part that a weight belongs to: its name, up to the second dot."""
    return '.'.join(name.split('.')[:-1][:2]) or name


def _some(parts: Iterable[str]) -> str:
    """The first few parts, and how many more there are."""
    names = [*parts]
    more = len(names) - MOST_NAMED
    listed = ', '.join(names[:MOST_NAMED])
    return f'{listed} and {more} more' if more > 0 else listed
