"""Objects that are given, boxes and classes."""

import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.relation_heads.object_classes import GIVEN_LOGIT
from mmsgg.registry import TASK_UTILS
from mmsgg.structures import SGDataSample

from .object_source import ObjectSource, objects_at


@TASK_UTILS.register_module()
class GivenBoxes(ObjectSource):
    """Objects whose boxes and classes the samples bring along.

    Without a detector there is no image: for relation heads with
    ``uses_image = False``, with a pipeline that loads none. With one, its
    feature maps serve the head.

    predcls takes the objects from ``gt_instances``, sgdet from ``proposals``
    {bboxes, labels, scores}, which :class:`LoadDetections` loads.

    Args:
        detector: A detector of mmdet, or None.
        num_classes: Object classes C, without background.
    """

    # nobody looks at a box to tell its class
    tasks = ('predcls', 'sgdet')
    refusal = 'give the classes of the boxes too'
    uses_classes = False

    def extract_feat(self, batch_inputs: Tensor | None) -> tuple[Tensor, ...]:
        """Make the feature maps, none without a detector."""
        return (
            () if self.detector is None else super().extract_feat(batch_inputs)
        )

    def objects(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """See the base class.

        Raises:
            ValueError: If a sample has no boxes with labels, or a detection
                is of no class.
        """
        field = 'proposals' if given is None else 'gt_instances'
        if given is None:
            given = [s.get(field, InstanceData()) for s in batch_data_samples]
        return [
            self._certain(image, sample, field)
            for image, sample in zip(given, batch_data_samples, strict=True)
        ]

    def _certain(
        self, given: InstanceData, sample: SGDataSample, field: str
    ) -> InstanceData:
        """Make objects of boxes and labels, which count as certain."""
        if 'labels' not in given:
            raise ValueError(
                f'GivenBoxes takes boxes and labels from {field}, which the '
                f'sample of {sample.get("img_path", "an image")} does not '
                'have; add LoadRelationAnnotations (predcls) or '
                'LoadDetections (sgdet) to the pipeline'
            )
        # one label more is the background's, which nobody detects
        if field == 'proposals' and (given.labels >= self.num_classes).any():
            raise ValueError(
                f'a detection in {sample.get("img_path", "an image")} is of '
                f'class {int(given.labels.max())}, but there are '
                f'{self.num_classes}, counted from 0; subtract 1 from '
                'categories that are counted from 1'
            )
        one_hot = F.one_hot(given.labels, self.num_classes + 1).float()
        return objects_at(given, logits=GIVEN_LOGIT * one_hot)
