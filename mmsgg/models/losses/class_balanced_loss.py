"""Cross entropy that weighs rare predicates up (Cui et al. 2019)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.losses import CrossEntropyLoss
from torch import Tensor

from mmsgg.registry import MODELS


@MODELS.register_module()
class ClassBalancedLoss(CrossEntropyLoss):
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
        # made anew from the data of each training, not kept with the weights
        self.register_buffer('weights', None, persistent=False)
        if counts is not None:
            self.set_counts(counts)

    def set_counts(self, counts: Sequence[int]) -> None:
        """Make the weights of (P,) counts; what has none counts as one."""
        found = torch.as_tensor(counts, dtype=torch.float64).clamp(min=1)
        weights = (1 - self.beta) / (1 - self.beta**found)
        mean = (weights * found).sum() / found.sum()
        weights = torch.cat([weights / mean, weights.new_ones(1)])
        self.weights = weights.float()

    def forward(
        self, cls_score: Tensor, label: Tensor, **kwargs: Any
    ) -> Tensor:
        """Compare (K, P + 1) logits, background last, with (K,) labels.

        Raises:
            RuntimeError: If nothing was counted.
            ValueError: If the counts are of another vocabulary.
        """
        if self.weights is None:
            raise RuntimeError(
                'ClassBalancedLoss has no counts; add '
                "dict(type='PredicateCountHook') to custom_hooks, or give "
                'counts'
            )
        if len(self.weights) != cls_score.shape[1]:
            raise ValueError(
                f'ClassBalancedLoss: {len(self.weights) - 1} counts, but '
                f'logits of {cls_score.shape[1] - 1} labels and background'
            )
        self.weights = self.weights.to(cls_score.device)
        return super().forward(
            cls_score, label, weight=self.weights[label], **kwargs
        )
