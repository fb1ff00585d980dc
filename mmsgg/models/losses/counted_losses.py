"""Cross entropy that depends on how often each predicate occurs."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.losses import CrossEntropyLoss
from torch import Tensor

from mmsgg.models.layers import log_rarity, shift_predicates
from mmsgg.registry import MODELS


class CountedLoss(CrossEntropyLoss):
    """mmdet's cross entropy with a number for each label, made of counts.

    Args:
        kwargs: As of mmdet's ``CrossEntropyLoss``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # no buffer: made anew from the data of each training, after an
        # average of the model may have been made
        self.weights: Tensor | None = None

    def set_counts(self, counts: Sequence[int]) -> None:
        """Make the weights of (P,) counts; what has none counts as one."""
        found = torch.as_tensor(counts, dtype=torch.float64).clamp(min=1)
        self.weights = self.weights_of(found).float()

    @abstractmethod
    def weights_of(self, counts: Tensor) -> Tensor:
        """Make weights (P + 1,), background last, of (P,) counts."""

    def weights_for(self, cls_score: Tensor) -> Tensor:
        """The weights (P + 1,) that go with (K, P + 1) logits of a call.

        Raises:
            RuntimeError: If nothing was counted.
            ValueError: If the counts are of another vocabulary.
        """
        name = type(self).__name__
        if self.weights is None:
            raise RuntimeError(
                f"{name} has no counts; add dict(type='PredicateCountHook') "
                'to custom_hooks, or give counts'
            )
        if len(self.weights) != cls_score.shape[1]:
            raise ValueError(
                f'{name}: {len(self.weights) - 1} counts, but logits of '
                f'{cls_score.shape[1] - 1} labels and background'
            )
        self.weights = self.weights.to(cls_score.device)
        return self.weights


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
        """Compare (K, P + 1) logits, background last, with (K,) labels."""
        weights = self.weights_for(cls_score)
        return super().forward(
            cls_score, label, weight=weights[label], **kwargs
        )


@MODELS.register_module()
class LogitAdjustedLoss(CountedLoss):
    """mmdet's cross entropy of logits + tau log prior (Menon et al. 2021).

    Training adds to each predicate what the head then need not learn: that it
    is frequent (arXiv 2007.07314, eq. 10). A test takes the logits as they
    are; their predicates are balanced as those of a plain head are by
    :class:`LogitAdjustment` with the same arguments.

    Args:
        tau: How much of the prior is left out; 0 is the plain loss.
        rare_gain: As of :func:`log_rarity`; None is the paper's.
        keep_background: Whether background keeps its probability, so that
            the adjustment changes the shares of the predicates only; else it
            competes with adjusted logits, as a class whose prior is 1.
        counts: Samples of each label, without background; None leaves it to
            :class:`PredicateCountHook` to count the training set.
        kwargs: As of mmdet's ``CrossEntropyLoss``.
    """

    def __init__(
        self,
        tau: float = 1.0,
        rare_gain: float | None = None,
        keep_background: bool = True,
        counts: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tau = tau
        self.rare_gain = rare_gain
        self.keep_background = keep_background
        if counts is not None:
            self.set_counts(counts)

    def weights_of(self, counts: Tensor) -> Tensor:
        """Make what is added to the logits (P + 1,)."""
        shift = -log_rarity(counts, self.tau, self.rare_gain)
        return torch.cat([shift, shift.new_zeros(1)])

    def forward(
        self, cls_score: Tensor, label: Tensor, **kwargs: Any
    ) -> Tensor:
        """Compare (K, P + 1) logits, background last, with (K,) labels."""
        shift = self.weights_for(cls_score)[:-1]
        adjusted = shift_predicates(cls_score, shift, self.keep_background)
        return super().forward(adjusted, label, **kwargs)
