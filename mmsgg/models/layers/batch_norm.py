"""Batch norm that stands batches too small to take a variance from."""

import torch.nn.functional as F
from torch import Tensor, nn


class _RobustBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Use the running statistics where a batch holds less than two values.

    The number of pairs in a batch of images is whatever the images hold, 0
    and 1 included: torch refuses the one and turns the other into NaN.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.numel() < 2 * x.shape[1]:
            return F.batch_norm(
                x,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                training=False,
                eps=self.eps,
            )
        return super().forward(x)


class RobustBatchNorm1d(_RobustBatchNorm, nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` for (K, C) with any K >= 0."""


class RobustBatchNorm2d(_RobustBatchNorm, nn.BatchNorm2d):
    """:class:`torch.nn.BatchNorm2d` for (K, C, H, W) with any K >= 0."""
