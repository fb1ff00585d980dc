"""Logit adjustment: predicates of a trained head, rare ones shifted up."""

from contextlib import AbstractContextManager, nullcontext

from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import log_rarity, shift_predicates
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput


@MODELS.register_module()
class LogitAdjustment(nn.Module):
    """Take the frequency of predicates off the logits (Menon et al. 2021).

    A test option of any trained head: training is as ever, and a test shifts
    each predicate by ``-tau log prior`` (arXiv 2007.07314, eq. 9), or by what
    ``rare_gain`` says. The prior is that of the head's training set, which
    its checkpoint carries.

    Args:
        tau: How much of the prior is taken off; 0 changes nothing.
        rare_gain: As of :func:`log_rarity`; None is the paper's.
        keep_background: Whether background keeps its probability, and the
            predicates share out the rest.
    """

    def __init__(
        self,
        tau: float = 1.0,
        rare_gain: float | None = None,
        keep_background: bool = True,
    ) -> None:
        super().__init__()
        self.tau = tau
        self.rare_gain = rare_gain
        self.keep_background = keep_background

    def watch(self, head: BaseRelationHead) -> AbstractContextManager:
        """Return a context in which nothing is watched."""
        return nullcontext()

    def forward(
        self,
        head: BaseRelationHead,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        output: RelationOutput,
    ) -> list[Tensor]:
        """Adjust the predicates of a batch.

        Args:
            head: The head that this is the ``debiasing`` of.
            x: Not used.
            objects: Not used.
            pairs: Not used.
            output: What the head said of them.

        Returns:
            For each image (K, P + 1) logits.

        Raises:
            RuntimeError: If the head has no counts.
        """
        if not head.has_counts:
            raise RuntimeError(
                'LogitAdjustment has no counts of the predicates: this '
                'checkpoint was trained without them; add '
                "dict(type='PredicateCountHook', count_for_test=True) to "
                'custom_hooks, which counts the training set'
            )
        shift = log_rarity(head.predicate_counts, self.tau, self.rare_gain)
        return [
            shift_predicates(logits, shift, self.keep_background)
            for logits in output.predicate_logits
        ]
