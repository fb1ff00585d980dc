"""How often each predicate occurs in training, in the checkpoint of a head."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor


class CountedPredicates(BaseModule):
    """A module that keeps how often each predicate occurs in training.

    Its checkpoint has the counts once there are some, so that what was never
    counted looks as before there were counts.

    Args:
        num_predicates: Predicates P, without background.
        init_cfg: Initialisation, mmengine's.
    """

    #: (P,) float32, relations of each predicate; 0 where nothing was counted.
    predicate_counts: Tensor

    def __init__(
        self, num_predicates: int, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_predicates = num_predicates
        self.register_buffer(
            'predicate_counts', torch.zeros(num_predicates), persistent=False
        )

    @property
    def has_counts(self) -> bool:
        """Whether the predicates were counted."""
        return 'predicate_counts' not in self._non_persistent_buffers_set

    def set_counts(self, counts: Sequence[int]) -> None:
        """Take the counts of the P predicates.

        Raises:
            ValueError: If the counts are of another vocabulary.
        """
        found = torch.as_tensor(counts, dtype=torch.float32)
        if found.shape != self.predicate_counts.shape:
            raise ValueError(
                f'{len(found)} predicates were counted, but this head has '
                f"{self.num_predicates}; set num_predicates to the data set's"
            )
        found = found.to(self.predicate_counts.device)
        self.register_buffer('predicate_counts', found)

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any
    ) -> None:
        """Take counts where there are some, else keep those that are here."""
        key = prefix + 'predicate_counts'
        if self.has_counts:
            state_dict.setdefault(key, self.predicate_counts)
        if key in state_dict:
            self.register_buffer('predicate_counts', self.predicate_counts)
        super()._load_from_state_dict(state_dict, prefix, *args)
