"""Cross entropy that leaves the frequency of predicates out of the logits."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmsgg.models.layers import log_rarity, shift_predicates
from mmsgg.registry import MODELS

from .counted_loss import CountedLoss


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
        """Compare (K, P + 1) logits, background last, with (K,) labels.

        Raises:
            RuntimeError: If nothing was counted.
            ValueError: If the counts are of another vocabulary.
        """
        shift = self.weights_for(cls_score)[:-1]
        adjusted = shift_predicates(cls_score, shift, self.keep_background)
        return super().forward(adjusted, label, **kwargs)
