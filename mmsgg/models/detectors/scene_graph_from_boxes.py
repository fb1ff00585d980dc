"""A scene graph model that looks at boxes and classes, at no image."""

from typing import Any

import torch.nn.functional as F
from mmdet.models.detectors import BaseDetector
from mmdet.models.utils import samplelist_boxtype2tensor
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.relation_heads.base_relation_head import KNOWN
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from .scene_graph_rcnn import SceneGraphRCNN


@MODELS.register_module()
class SamplesDataPreprocessor(BaseDataPreprocessor):
    """Bring samples that have no image to the device."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Return ``data_samples`` on the device, and None as ``inputs``."""
        samples = self.cast_data(data)['data_samples']
        samplelist_boxtype2tensor(samples)
        return dict(inputs=None, data_samples=samples)


@MODELS.register_module()
class SceneGraphFromBoxes(BaseDetector):
    """From boxes and their classes to scene graphs.

    For relation heads with ``uses_image = False``; there is no backbone, and
    the pipeline loads no image. Boxes stay in original-image pixels.

    Args:
        relation_head: Config of the relation head.
        task: 'predcls' to take the objects from ``gt_instances``, or 'sgdet'
            to take them from ``proposals`` {bboxes, labels, scores}, which
            :class:`LoadDetections` loads.
        given_pairs: Whether it is given which objects are related, as in the
            predicate detection of Stanford VRD. Only the pairs of
            ``gt_relations`` are judged then, those of a box with itself
            among them. For 'predcls'.
        data_preprocessor: :class:`SamplesDataPreprocessor` by default.
        init_cfg: Initialisation, mmengine's.

    Raises:
        ValueError: If the task is another one, or the head needs the image.
    """

    def __init__(
        self,
        *,
        relation_head: dict,
        task: str = 'predcls',
        given_pairs: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if task not in ('predcls', 'sgdet'):
            raise ValueError(
                f"SceneGraphFromBoxes: task {task!r} is neither 'predcls' nor "
                "'sgdet': without an image nobody can tell classes"
            )
        super().__init__(
            data_preprocessor or dict(type='SamplesDataPreprocessor'), init_cfg
        )
        self.task = task
        self.given_pairs = given_pairs
        self.relation_head = MODELS.build(relation_head)
        if self.relation_head.uses_image:
            raise ValueError(
                f'SceneGraphFromBoxes has no image to show to '
                f'{type(self.relation_head).__name__}; switch off what looks '
                'at it (of LinkNet object_roi_extractor, object_head, '
                'union_roi_extractor, union_head and global_context), or take '
                'SceneGraphRCNN'
            )

    def extract_feat(self, batch_inputs: None) -> tuple[()]:
        """Return the feature maps, of which there are none."""
        return ()

    def loss(
        self, batch_inputs: None, batch_data_samples: list[SGDataSample]
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch; see :class:`SceneGraphRCNN`."""
        objects = [self.objects_of(sample) for sample in batch_data_samples]
        return self.relation_head.loss((), objects, batch_data_samples)

    def predict(
        self,
        batch_inputs: None,
        batch_data_samples: list[SGDataSample],
        rescale: bool = True,
    ) -> list[SGDataSample]:
        """Predict the scene graphs of a batch.

        Args:
            batch_inputs: Not there.
            batch_data_samples: What the task needs, in original-image pixels.
            rescale: Not read, as boxes are never scaled.

        Returns:
            The same samples with ``pred_instances`` and ``pred_relations``.
        """
        objects = self._test_objects(batch_data_samples)
        metas = [sample.metainfo for sample in batch_data_samples]
        graphs = self.relation_head.predict((), objects, metas)
        return self.add_pred_to_datasample(batch_data_samples, graphs)

    def _forward(
        self, batch_inputs: None, batch_data_samples: list[SGDataSample]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the raw logits of :meth:`BaseRelationHead.forward`."""
        objects = self._test_objects(batch_data_samples)
        pairs = [self.relation_head.all_pairs(o) for o in objects]
        return self.relation_head((), objects, pairs)

    add_pred_to_datasample = SceneGraphRCNN.add_pred_to_datasample

    def objects_of(self, sample: SGDataSample) -> InstanceData:
        """Take the objects that the task names, with certain classes.

        Returns:
            Objects as :class:`BaseRelationHead` describes them.

        Raises:
            ValueError: If the sample does not have them.
        """
        field = 'gt_instances' if self.task == 'predcls' else 'proposals'
        if 'labels' not in sample.get(field, ()):
            raise ValueError(
                f"Task '{self.task}' takes boxes and labels from {field}, "
                f'which the sample of {sample.get("img_path", "an image")} '
                'does not have; add LoadRelationAnnotations (predcls) or '
                'LoadDetections (sgdet) to the pipeline'
            )
        given = sample.get(field)
        num_logits = self.relation_head.num_classes + 1
        fields: dict[str, Any] = dict(
            bboxes=given.bboxes,
            labels=given.labels,
            logits=KNOWN * F.one_hot(given.labels, num_logits).float(),
        )
        if self.task == 'sgdet':
            fields['scores'] = given.scores
        return InstanceData(**fields)

    def _test_objects(self, samples: list[SGDataSample]) -> list[InstanceData]:
        """Make the objects, and name their pairs where these are given."""
        objects = [self.objects_of(sample) for sample in samples]
        if self.given_pairs:
            for image_objects, sample in zip(objects, samples, strict=True):
                pairs = sample.gt_relations.pairs.unique(dim=0)
                image_objects.set_metainfo(dict(pairs=pairs))
        return objects
