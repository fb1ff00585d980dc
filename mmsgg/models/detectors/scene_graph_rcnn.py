"""A two-stage detector with a relation head on top."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.detectors import TwoStageDetector
from mmdet.models.roi_heads import (
    HybridTaskCascadeRoIHead,
    SCNetRoIHead,
    SparseRoIHead,
)
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.computed_once import computed_once
from mmsgg.models.roi_heads import as_logits, select_detections
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample

from .detector_weights import branch_weights, check_frozen_weights

TASKS = ('predcls', 'sgcls', 'sgdet')
# They score learned queries, or boxes together with a semantic map.
UNFIT_ROI_HEADS = (SparseRoIHead, HybridTaskCascadeRoIHead, SCNetRoIHead)


@MODELS.register_module()
class SceneGraphRCNN(TwoStageDetector):
    """From images to scene graphs.

    The way of an image::

        image -> extract_feat -> objects_of -> relation_head -> graph

    The detector is any of mmdet's with an RoI head that scores given boxes,
    cascades included, under mmdet's parameter names, so that its checkpoint
    loads as it is.

    The task says what is given: 'predcls' boxes and classes, 'sgcls' boxes,
    'sgdet' nothing. What is given is read from ``gt_instances``.

    Args:
        relation_head: Config of the relation head.
        task: 'predcls', 'sgcls' or 'sgdet'.
        freeze_detector: Whether only the relation head is trained. Else the
            detector's own losses join in.
        kwargs: As of mmdet's ``TwoStageDetector``. ``test_cfg.objects`` holds
            the arguments of :func:`select_detections`; with
            ``relate_proposals=True`` the relation head is given the
            proposals, not the boxes regressed from them.

    Raises:
        ValueError: If the task is unknown.
        TypeError: If the RoI head cannot score given boxes.
    """

    def __init__(
        self,
        *,
        relation_head: dict,
        task: str = 'sgdet',
        freeze_detector: bool = True,
        **kwargs: Any,
    ) -> None:
        if task not in TASKS:
            raise ValueError(
                f'SceneGraphRCNN: unknown task {task!r}; set model.task to '
                f'one of {", ".join(TASKS)}'
            )
        super().__init__(**kwargs)
        if isinstance(getattr(self, 'roi_head', None), UNFIT_ROI_HEADS):
            raise TypeError(
                f'SceneGraphRCNN: {type(self.roi_head).__name__} cannot score '
                f'given boxes by themselves; take a detector with a '
                f'StandardRoIHead or CascadeRoIHead of mmdet'
            )
        self.task = task
        self.freeze_detector = freeze_detector
        self.relation_head = MODELS.build(relation_head)
        if freeze_detector:
            for part in self._detector_parts():
                part.requires_grad_(False)

    def _detector_parts(self) -> Iterator[nn.Module]:
        """Yield the submodules that make up the detector."""
        for name, module in self.named_children():
            if name not in ('relation_head', 'data_preprocessor'):
                yield module

    def train(self, mode: bool = True) -> 'SceneGraphRCNN':
        """Switch the mode; a frozen detector stays in inference mode."""
        super().train(mode)
        if self.freeze_detector:
            for part in self._detector_parts():
                part.train(False)
        return self

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any
    ) -> None:
        """Take a detector's checkpoint too, or refuse one that is too little.

        Of a checkpoint without relation head, that is, of a detector, the
        branches of the relation head start from the detector's.

        Raises:
            ValueError: If the detector is frozen and would stay random.
        """
        checkpoint = {k.removeprefix(prefix): v for k, v in state_dict.items()}
        if not any(key.startswith('relation_head.') for key in checkpoint):
            head = self.relation_head.state_dict()
            for key, value in branch_weights(checkpoint, head).items():
                state_dict[f'{prefix}relation_head.{key}'] = value
        if self.freeze_detector:
            frozen = {
                key: value
                for key, value in self.state_dict().items()
                if not key.startswith('relation_head.')
            }
            check_frozen_weights(checkpoint, frozen)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Make the feature maps, each (B, channels, H, W), in float32.

        Under autocast too: mmcv pools no bfloat16, and would round the
        corners of RoIs to the type of the map.
        """
        features = super().extract_feat(batch_inputs)
        return tuple(level.float() for level in features)

    def loss(
        self, batch_inputs: Tensor, batch_data_samples: list[SGDataSample]
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            batch_inputs: (B, 3, H, W) normalised images.
            batch_data_samples: With ``gt_instances`` in input-image pixels
                and ``gt_relations``.
        """
        losses = {}
        gt_instances = [sample.gt_instances for sample in batch_data_samples]
        with self._maps_made_once():
            if not self.freeze_detector:
                losses = super().loss(batch_inputs, batch_data_samples)
            with torch.no_grad() if self.freeze_detector else nullcontext():
                x = self.extract_feat(batch_inputs)
            objects = self.objects_of(x, batch_data_samples, gt_instances)
        losses.update(self.relation_head.loss(x, objects, batch_data_samples))
        return losses

    @contextmanager
    def _maps_made_once(self) -> Iterator[None]:
        """Share the maps of backbone, neck and RPN within a step.

        Of the RPN the maps only: the detector's losses take proposals by
        ``train_cfg.rpn_proposal``, the relation head those of
        ``test_cfg.rpn``. Other dense heads in its place run twice, as some
        (FCOS) give other maps in training than in a test.
        """
        with ExitStack() as stack:
            stack.enter_context(computed_once(self, 'extract_feat'))
            if self.with_rpn and isinstance(self.rpn_head, RPNHead):
                stack.enter_context(computed_once(self.rpn_head, 'forward'))
            yield

    def predict(
        self,
        batch_inputs: Tensor,
        batch_data_samples: list[SGDataSample],
        rescale: bool = True,
    ) -> list[SGDataSample]:
        """Predict the scene graphs of a batch.

        Args:
            batch_inputs: (B, 3, H, W) normalised images.
            batch_data_samples: ``gt_instances``, where the task needs them,
                in original-image pixels.
            rescale: Whether predicted boxes are to be in original-image
                pixels too, or in input-image pixels.

        Returns:
            The same samples with ``pred_instances`` and ``pred_relations``.
        """
        x = self.extract_feat(batch_inputs)
        given = [self._given(sample) for sample in batch_data_samples]
        objects = self.objects_of(x, batch_data_samples, given)
        metas = [sample.metainfo for sample in batch_data_samples]
        graphs = self.relation_head.predict(x, objects, metas, rescale)
        return self.add_pred_to_datasample(batch_data_samples, graphs)

    def _forward(
        self, batch_inputs: Tensor, batch_data_samples: list[SGDataSample]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the raw logits of :meth:`BaseRelationHead.forward`."""
        x = self.extract_feat(batch_inputs)
        given = [self._given(sample) for sample in batch_data_samples]
        objects = self.objects_of(x, batch_data_samples, given)
        pairs = [self.relation_head.all_pairs(o) for o in objects]
        return self.relation_head(x, objects, pairs)

    def _given(self, sample: SGDataSample) -> InstanceData | None:
        """Bring what is given of one image into input-image pixels."""
        if self.task == 'sgdet':
            return None
        if 'gt_instances' not in sample:
            raise ValueError(
                f"Task '{self.task}' needs gt_instances, but the sample of "
                f'{sample.get("img_path", "an image")} has none; load '
                f"annotations in the test pipeline, or set model.task='sgdet'"
            )
        gt = sample.gt_instances
        scale = gt.bboxes.new_tensor(sample.scale_factor * 2)
        return InstanceData(bboxes=gt.bboxes * scale, labels=gt.labels)

    @contextmanager
    def _detector_in_eval(self) -> Iterator[None]:
        """Let the detector predict as in a test, also while it is trained."""
        modules = [
            m for part in self._detector_parts() for m in part.modules()
        ]
        modes = [module.training for module in modules]
        for module in modules:
            module.training = False
        try:
            yield
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode

    @torch.no_grad()
    def objects_of(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData | None],
    ) -> list[InstanceData]:
        """Make the objects of each image that the relation head works on.

        Args:
            x: Feature maps, each (B, channels, H, W).
            batch_data_samples: B samples.
            given: For each image ``bboxes`` (N, 4), input-image pixels, and
                ``labels`` (N,); not read in sgdet.

        Returns:
            Objects as :class:`BaseRelationHead` describes them.
        """
        proposals = given
        metas = [sample.metainfo for sample in batch_data_samples]
        with self._detector_in_eval():
            if self.task == 'sgdet':
                proposals = self.propose(x, batch_data_samples)
            # without a test_cfg, mmdet hands out all classes of all boxes
            results = self.roi_head.predict_bbox(x, metas, proposals, None)
        if self.task == 'sgdet':
            return [
                self._detections(result, image.bboxes)
                for result, image in zip(results, proposals, strict=True)
            ]
        objects = []
        for result, image in zip(results, given, strict=True):
            logits = as_logits(result.scores)
            instances = InstanceData(bboxes=image.bboxes, logits=logits)
            if self.task == 'predcls':
                instances.labels = image.labels
            objects.append(instances)
        return objects

    def propose(
        self, x: tuple[Tensor, ...], batch_data_samples: list[SGDataSample]
    ) -> list[InstanceData]:
        """Take the proposals that samples bring along, else the RPN's.

        Raises:
            ValueError: If there is neither.
        """
        first = batch_data_samples[0]
        if 'proposals' in first:
            return [sample.proposals for sample in batch_data_samples]
        if not self.with_rpn:
            raise ValueError(
                f'The detector has no rpn_head, and the sample of '
                f'{first.get("img_path", "an image")} brings no proposals; '
                f'add LoadProposals to the pipeline, or an rpn_head'
            )
        # boxes and NMS in float32, under autocast too
        with torch.autocast(x[0].device.type, enabled=False):
            return self.rpn_head.predict(x, batch_data_samples, rescale=False)

    def _detections(
        self, result: InstanceData, proposals: Tensor | None
    ) -> InstanceData:
        """Select objects from all classes of all proposals of an image."""
        num, num_classes = len(result.scores), result.scores.shape[1] - 1
        # one box a class, or one for all where regression is class agnostic
        num_boxes = result.bboxes.shape[1] // 4
        class_bboxes = result.bboxes.reshape(num, num_boxes, 4)
        class_bboxes = class_bboxes.expand(-1, num_classes, 4)
        cfg = dict(self.test_cfg.get('objects', {}))
        if not cfg.pop('relate_proposals', False):
            proposals = None
        return select_detections(
            result.scores, class_bboxes, proposals=proposals, **cfg
        )

    def add_pred_to_datasample(
        self,
        data_samples: list[SGDataSample],
        results_list: list[tuple[InstanceData, InstanceData]],
    ) -> list[SGDataSample]:
        """Hang the predicted instances and relations on their samples."""
        for sample, (instances, relations) in zip(
            data_samples, results_list, strict=True
        ):
            sample.pred_instances = instances
            sample.pred_relations = relations
        return data_samples
