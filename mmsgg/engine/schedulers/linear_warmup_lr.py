"""A warm-up that fits short runs too."""

from mmengine.optim import LinearLR, OptimWrapper
from torch.optim import Optimizer

from mmsgg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class LinearWarmupLR(LinearLR):
    """mmengine's LinearLR over ``num_iters``, at most a quarter of the run.

    A fixed ``end`` of LinearLR covers a run on few images or of one epoch
    whole, so that it never reaches its rate.

    Args:
        optimizer: What has the rates.
        num_iters: Iterations until the full rate.
        end: Iterations of the run. The runner fills them in.
        start_factor: Share of the full rate in the first iteration.
        by_epoch: False; a config has to say so, since the runner takes True
            for the default and would fill in epochs.

    Raises:
        ValueError: If ``by_epoch`` is not False.
    """

    def __init__(
        self,
        optimizer: Optimizer | OptimWrapper,
        num_iters: int,
        end: int,
        start_factor: float = 0.01,
        by_epoch: bool = True,
    ) -> None:
        if by_epoch:
            raise ValueError(
                'LinearWarmupLR counts iterations; set by_epoch=False in '
                'param_scheduler'
            )
        num_iters = min(num_iters, end // 4)
        super().__init__(
            optimizer,
            # of a single iteration there is nothing to warm up
            start_factor=start_factor if num_iters > 1 else 1.0,
            end=max(num_iters, 2),
            by_epoch=False,
        )
