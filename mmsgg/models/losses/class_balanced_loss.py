"""Cross entropy that weighs rare predicates up (Cui et al. 2019)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmsgg.registry import MODELS

from .counted_loss import CountedLoss


@MODELS.register_module()
class ClassBalancedLoss(CountedLoss):
    """mmdet's cross entropy, each label weighed by how rare it is.

    A label with n samples weighs ``(1 - beta) / (1 - beta ** n)``, the inverse
    of its effective number of samples (arXiv 1901.05555, eq. 2).

    Where the paper scales the weights to their number, here their mean over
    the counted samples is 1, and background, the last label, weighs 1: the
    share of unrelated pairs in a batch is the sampler's choice, and a rate
    that fits the plain loss fits this one.

    Args:
        beta: Between 0, all alike, and 1 excluded; the nearer to 1, the nearer
            the weights to 1 / n.
        counts: Samples of each label, without background; None leaves it to
            :class:`PredicateCountHook` to count the training set.
        kwargs: As of mmdet's ``CrossEntropyLoss``.

    Raises:
        ValueError: If beta is out of its range.
    """

    def __init__(
        self,
        beta: float = 0.999,
        counts: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0 <= beta < 1:
            raise ValueError(
                f'ClassBalancedLoss: beta must be in [0, 1), got {beta}'
            )
        super().__init__(**kwargs)
        self.beta = beta
        if counts is not None:
            self.set_counts(counts)

    def weights_of(self, counts: Tensor) -> Tensor:
        """See the base class."""
        weights = (1 - self.beta) / (1 - self.beta**counts)
        mean = (weights * counts).sum() / counts.sum()
        return torch.cat([weights / mean, weights.new_ones(1)])

    def forward(
        self, cls_score: Tensor, label: Tensor, **kwargs: Any
    ) -> Tensor:
        """Compare (K, P + 1) logits, background last, with (K,) labels.

        Raises:
            RuntimeError: If nothing was counted.
            ValueError: If the counts are of another vocabulary.
        """
        weights = self.weights_for(cls_score)
        return super().forward(
            cls_score, label, weight=weights[label], **kwargs
        )
