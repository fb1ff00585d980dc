"""Keep frozen parts from the optimizer, and like parameters together."""

from collections.abc import Iterable
from typing import Any

import torch
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn
from torch.optim import Optimizer

from mmsgg.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainedOnlyConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, which passes over modules that are frozen.

    mmengine warns of every frozen parameter by itself, hundreds of a detector,
    and takes them in where there is no ``paramwise_cfg``. It makes a group of
    every parameter, and an optimizer steps group by group: here parameters of
    the same options share one. On a CPU the optimizer steps in its fused form,
    where this torch has it.

    Args:
        optim_wrapper_cfg: Config of the wrapper, with its optimizer.
        paramwise_cfg: As of mmengine's constructor.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        super().__init__(
            optim_wrapper_cfg, paramwise_cfg or dict(custom_keys={})
        )

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Make the optimizer of a model, in its wrapper."""
        wrapper = super().__call__(model)
        use_fused_on_cpu(wrapper.optimizer)
        return wrapper

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: float | None = None,
    ) -> None:
        """Add the parameters of a module, unless all of it is frozen."""
        if any(p.requires_grad for p in module.parameters()):
            super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:  # the whole model
            params[:] = merged_by_options(params)


def merged_by_options(groups: Iterable[dict]) -> list[dict]:
    """Merge groups of parameters whose other entries are equal, in order."""
    merged: dict[str, dict] = {}
    for group in groups:
        options = {k: v for k, v in group.items() if k != 'params'}
        whole = merged.setdefault(repr(options), options | dict(params=[]))
        whole['params'] += group['params']
    return [*merged.values()]


def use_fused_on_cpu(optimizer: Optimizer) -> None:
    """Let an optimizer step in its fused form, also after a resume.

    By default torch has only GPUs work on many parameters at once. Which form
    it is is written into checkpoints, which may come from another machine.
    """
    if 'fused' not in optimizer.defaults:
        return
    fused = optimizer.defaults['fused']
    if fused is None and not optimizer.defaults['foreach']:
        groups = [group['params'] for group in optimizer.param_groups]
        on_cpu = all(
            parameter.is_cpu for group in groups for parameter in group
        )
        fused = (on_cpu and _can_fuse_on_cpu(optimizer)) or None

    def choose(optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            group['fused'] = fused

    choose(optimizer)
    optimizer.register_load_state_dict_post_hook(choose)


def _can_fuse_on_cpu(optimizer: Optimizer) -> bool:
    """Try whether this torch has a fused form of an optimizer."""
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.zeros(1)
    try:
        kind: Any = type(optimizer)
        kind([parameter], lr=0.1, fused=True).step()
    except (RuntimeError, TypeError):
        return False
    return True
