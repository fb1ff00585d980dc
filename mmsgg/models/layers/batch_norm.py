"""Batch norm for batches too small for a variance, and for short runs."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class _RobustBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Torch's batch norm with two differences in training.

    - A batch of less than two values is normalised by the running
      statistics. The number of pairs in a batch of images is whatever the
      images hold, 0 and 1 included: torch refuses the one and turns the other
      into NaN.
    - The running statistics are the plain mean over the first 1 / momentum
      batches, and only then move by ``momentum``. Torch's hold
      (1 - momentum)^n of their start values 0 and 1 after n batches; with
      momentum .001 that is .70 after 350 batches.
    """

    #: num_batches_tracked, read once, since each reading waits for the GPU.
    num_batches: int | None = None
    num_batches_tracked: Tensor

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self.num_batches = None

    def forward(self, x: Tensor) -> Tensor:
        trains = self.training and x.numel() >= 2 * x.shape[1]
        momentum = 0.0
        if trains:
            if self.num_batches is None:
                self.num_batches = int(self.num_batches_tracked)
            self.num_batches += 1
            self.num_batches_tracked.add_(1)
            # torch's classes take None for the plain mean
            momentum = max(self.momentum or 0.0, 1 / self.num_batches)
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=trains,
            momentum=momentum,
            eps=self.eps,
        )


class RobustBatchNorm1d(_RobustBatchNorm, nn.BatchNorm1d):
    """Batch norm for (K, C) with any K >= 0; see the base class."""


class RobustBatchNorm2d(_RobustBatchNorm, nn.BatchNorm2d):
    """Batch norm for (K, C, H, W) with any K >= 0; see the base class."""
