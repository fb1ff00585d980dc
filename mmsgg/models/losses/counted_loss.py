"""Cross entropy that depends on how often each predicate occurs."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.losses import CrossEntropyLoss
from torch import Tensor


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
        """The weights (P + 1,) that go with (K, P + 1) logits.

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
