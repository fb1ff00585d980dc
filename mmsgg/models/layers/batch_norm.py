"""Batch norm for batches too small for a variance, and for short runs."""

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

    def forward(self, x: Tensor) -> Tensor:
        trains = self.training and x.numel() >= 2 * x.shape[1]
        momentum = 0.0
        if trains:
            self.num_batches_tracked.add_(1)
            momentum = max(self.momentum, 1 / self.num_batches_tracked.item())
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
