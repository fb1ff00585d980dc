"""What takes the bias of training off the predicates of a head."""

from contextlib import AbstractContextManager, nullcontext

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmsgg.models.layers import log_rarity, share_related, shift_predicates
from mmsgg.registry import MODELS

from .base_relation_head import MAX_RANKED, BaseRelationHead, RelationOutput
from .object_classes import given_logits


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


@MODELS.register_module()
class TotalDirectEffect(nn.Module):
    """Subtract what a head would say had the objects no looks (Tang 2020).

    Training goes on as ever, but for a running mean of the features f of
    objects. A prediction runs the head twice: as it is, and on objects of the
    *same boxes and classes* whose f is that mean::

        y      = head(f, classes, boxes, union)
        y_bar  = head(mean f, classes, boxes, union)
        effect = y - strength * y_bar

    so that what follows from the classes, the boxes or the union alone,
    whatever the objects look like, is taken off. For y_bar the classes are
    those that were decided for y, and count as certain.

    Background keeps its probability, and the predicates share out the rest by
    the softmax of the effect (the background-exempted inference of Tang et
    al., NeurIPS 2020): the effect takes background's prior off too, without
    which every pair is related.

    It differs from the authors' code, which the head is built for, in three
    ways. There, the mean also replaces the object context on its way into the
    edges, here the context is computed anew from the mean. There, the class
    distribution of a pair weighs the frequency bias, here its classes look it
    up. There, background is a class like the others.

    It works on any head that has the part ``treated``, without a change to
    the head: ``relation_head=dict(debiasing=dict(...))``. In distributed
    training each process keeps a mean of its own images; mmengine's
    ``SyncBuffersHook`` averages them.

    Args:
        channels: Width of what ``treated`` puts out.
        treated: Name of the head's submodule whose output is f.
        strength: How much of y_bar is subtracted; 0 gives the head's own
            ranking back.
        momentum: Weight of a new batch in the mean, once as many batches were
            seen as it takes to matter; before, all batches count alike.
    """

    mean: Tensor
    num_batches: Tensor

    def __init__(
        self,
        channels: int,
        treated: str = 'features.object_head',
        strength: float = 1.0,
        momentum: float = 5e-4,
    ) -> None:
        super().__init__()
        self.treated = treated
        self.strength = strength
        self.momentum = momentum
        self.register_buffer('mean', torch.zeros(channels))
        self.register_buffer('num_batches', torch.tensor(0.0))

    def watch(self, head: BaseRelationHead) -> RemovableHandle:
        """Average, inside a ``with``, what the treated part puts out."""
        return self._part(head).register_forward_hook(self._update)

    def _part(self, head: BaseRelationHead) -> nn.Module:
        parts = dict(head.named_modules())
        if self.treated not in parts:
            raise ValueError(
                f'TotalDirectEffect: {type(head).__name__} has no part '
                f'{self.treated!r}; set debiasing.treated to the name of the '
                f'part whose output is f, such as features.object_head, or '
                f'take debiasing out'
            )
        return parts[self.treated]

    @torch.no_grad()
    def _update(self, part: nn.Module, inputs: tuple, output: Tensor) -> None:
        """Take the (n, channels) features of a batch into the mean."""
        if len(output):
            self.num_batches += 1
            rate = self.num_batches.reciprocal().clamp(min=self.momentum)
            self.mean.lerp_(output.mean(dim=0).float(), rate)

    def forward(
        self,
        head: BaseRelationHead,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        output: RelationOutput,
    ) -> list[Tensor]:
        """Debias the predicates of a batch, as :class:`LogitAdjustment` does.

        Returns:
            For each image the log probabilities (K, P + 1) of the predicates.

        Raises:
            RuntimeError: If no mean has been taken.
        """
        if not self.num_batches:
            raise RuntimeError(
                'TotalDirectEffect has no mean of the features of objects; '
                'train with this debiasing, or load a checkpoint of such a '
                'training'
            )
        known = [  # the same boxes and classes, these certain
            InstanceData(
                metainfo=image.metainfo,
                bboxes=image.bboxes,
                labels=labels,
                logits=given_logits(labels, image.logits),
            )
            for image, labels in zip(objects, output.labels, strict=True)
        ]
        treated = self._part(head).register_forward_hook(
            lambda part, inputs, output: self.mean.expand_as(output)
        )
        with treated:
            without_looks = head(x, known, pairs).predicate_logits
        return [
            torch.cat(
                [
                    self.subtract(*rows)
                    for rows in zip(
                        looks.split(MAX_RANKED),
                        others.split(MAX_RANKED),
                        strict=True,
                    )
                ]
            )
            for looks, others in zip(
                output.predicate_logits, without_looks, strict=True
            )
        ]

    def subtract(self, logits: Tensor, without_looks: Tensor) -> Tensor:
        """Take y_bar (K, P + 1) off y (K, P + 1); background is exempted."""
        effect = logits - self.strength * without_looks
        return share_related(logits, effect[:, :-1])
