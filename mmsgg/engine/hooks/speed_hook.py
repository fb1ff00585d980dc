"""Switches of how a model is computed, in the config of a run."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from mmsgg.engine.bare_model import bare_model
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class SpeedHook(Hook):
    """Choose how a run computes, before it starts; results stay the same.

    mmengine has switches of its own beside these: docs/scale.md lists all.

    Args:
        matmul_precision: That of float32 in matrix products, a word of
            ``torch.set_float32_matmul_precision``: 'high' is TF32 on a GPU
            that has it. By default it stays as it is, 'highest' in torch.
        channels_last: Whether backbone and neck of the detector keep the
            channels of a pixel together.
        compile: Names of the parts that ``torch.compile`` compiles: those
            whose inputs always have the same shape, as 'detector.backbone'
            where images are padded to one square.

    Raises:
        ValueError: If the precision is not one of torch's.
    """

    def __init__(
        self,
        matmul_precision: str | None = None,
        channels_last: bool = False,
        compile: Sequence[str] = (),
    ) -> None:
        # torch itself only warns
        if matmul_precision not in (None, 'highest', 'high', 'medium'):
            raise ValueError(
                f'matmul_precision is {matmul_precision!r}, and not '
                "'highest', 'high' or 'medium'"
            )
        self.matmul_precision = matmul_precision
        self.channels_last = channels_last
        self.compile = compile

    def before_run(self, runner: Runner) -> None:
        """Apply the switches to the model of the run."""
        self.apply(bare_model(runner.model))

    def apply(self, model: nn.Module) -> None:
        """Apply the switches; weights keep their names.

        Raises:
            ValueError: If ``channels_last`` does not fit the detector.
            AttributeError: If a part to compile is not there.
        """
        if self.matmul_precision is not None:
            torch.set_float32_matmul_precision(self.matmul_precision)
        if self.channels_last:
            keep_channels_last(getattr(model, 'detector', model))
        for name in self.compile:
            model.get_submodule(name).compile()


def keep_channels_last(detector: nn.Module | None) -> None:
    """Bring the weights of backbone and neck into the order channels_last.

    Their maps follow, but what comes out is put back into the usual order:
    ops of mmcv, such as RoIAlign, read memory as if it had no other.

    Args:
        detector: Of mmdet.

    Raises:
        ValueError: If it has no backbone, or one with ops of mmcv.
    """
    parts: list[Any] = [
        getattr(detector, name)
        for name in ('backbone', 'neck')
        if isinstance(getattr(detector, name, None), nn.Module)
    ]
    if not parts:
        raise ValueError('channels_last: the model has no backbone')
    for part in parts:
        for module in part.modules():
            if type(module).__module__.startswith('mmcv.ops'):
                raise ValueError(
                    f'channels_last: {type(module).__name__} of the backbone '
                    'reads memory in the usual order'
                )
        part.to(memory_format=torch.channels_last)
    parts[-1].register_forward_hook(_in_usual_order)


def _in_usual_order(
    module: nn.Module, inputs: Any, maps: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    return tuple(level.contiguous() for level in maps)
