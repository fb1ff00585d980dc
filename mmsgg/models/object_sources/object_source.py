"""How the objects of a scene graph come out of a detector."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.structures import SGDataSample


class Found(NamedTuple):
    """What a detector found in a batch."""

    #: of each image, as :class:`BaseRelationHead` describes them
    objects: list[InstanceData]
    #: what the relation head sees of the images, each (B, channels, H, W)
    x: tuple[Tensor, ...]
    #: of the detector, where it is trained in the same pass
    losses: Mapping[str, Tensor] = MappingProxyType({})


class ObjectSource(ABC):
    """Makes the objects that a relation head works on.

    There is one for each kind of detector. It calls what the detector is
    made of and holds no weights of its own.

    Args:
        detector: A detector of mmdet, in inference mode whenever
            :meth:`objects` is called.
        num_classes: Object classes C, without background.
    """

    #: The tasks that it can serve.
    tasks: Sequence[str] = ('predcls', 'sgcls', 'sgdet')
    #: Why not the others, as a clause.
    refusal = ''
    #: Whether a detector that is trained makes its losses and the objects in
    #: one pass in training mode, so that the losses of the relations reach it.
    end_to_end = False
    #: Whether the classes of the detector are those of the objects.
    uses_classes = True

    def __init__(self, detector: Any, num_classes: int) -> None:
        self.detector = detector
        self.num_classes = num_classes

    @property
    def shared_forwards(self) -> list[torch.nn.Module]:
        """Modules that need run only once a step, like the backbone.

        They give the same maps in training and in inference, so that the
        losses of the detector and the objects can share them.
        """
        return []

    def extract_feat(self, batch_inputs: Tensor | None) -> tuple[Tensor, ...]:
        """Make the detector's feature maps, each (B, channels, H, W)."""
        return self.detector.extract_feat(batch_inputs)

    def find(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
        with_losses: bool = False,
    ) -> Found:
        """Make the objects, and choose what the head sees of the images.

        Args:
            x: What :meth:`extract_feat` gave.
            batch_data_samples: B samples.
            given: As of :meth:`objects`.
            with_losses: Whether the detector's own losses are wanted, which
                only a source that is ``end_to_end`` has.
        """
        objects = self.objects(x, batch_data_samples, given)
        return Found(objects, finest_first(x))

    @abstractmethod
    def objects(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """Make the objects of each image.

        Args:
            x: What :meth:`extract_feat` gave.
            batch_data_samples: B samples.
            given: For each image ``bboxes`` (N, 4), input-image pixels, and
                in predcls ``labels`` (N,), with ``scores`` (N,) where they
                are not certain; None in sgdet, where the detector finds the
                objects.

        Returns:
            Objects as :class:`BaseRelationHead` describes them.
        """


def score_logits(scores: Tensor) -> Tensor:
    """Logits of independent classes, as a softmax with background wants them.

    With sigmoid scores s_c, the softmax of [logit(s), 0] is the distribution
    of the class if at most one of them holds.

    Args:
        scores: (N, C) each in [0, 1].

    Returns:
        (N, C + 1), background last.
    """
    scores = scores.float().clamp(1e-6, 1 - 1e-6)
    return torch.cat([scores.logit(), scores.new_zeros(len(scores), 1)], dim=1)


def objects_at(given: InstanceData, **fields: Tensor) -> InstanceData:
    """Objects in given boxes, with the given classes where there are any."""
    objects = InstanceData(bboxes=given.bboxes, **fields)
    for name in ('labels', 'scores'):
        if name in given:
            objects.set_field(given[name], name)
    return objects


def finest_first(maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The maps in the order of their strides, which YOLOv3 reverses."""
    return tuple(
        sorted(maps, key=lambda level: -level.shape[-2] * level.shape[-1])
    )
