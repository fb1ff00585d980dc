"""Keep frozen parts from the optimizer, without a word for each weight."""

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from mmsgg.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainedOnlyConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, which passes over modules that are frozen.

    mmengine warns of every frozen parameter by itself, hundreds of a detector,
    and takes them in where there is no ``paramwise_cfg``.

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

    def add_params(
        self, params: list[dict], module: nn.Module, *args: Any, **kwargs: Any
    ) -> None:
        """Add the parameters of a module, unless all of it is frozen."""
        if any(p.requires_grad for p in module.parameters()):
            super().add_params(params, module, *args, **kwargs)
