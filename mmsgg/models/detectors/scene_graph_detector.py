"""Any detector of mmdet with a relation head on top."""

from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from copy import deepcopy
from typing import Any

import torch
from mmdet.models.detectors import (
    BaseDetector,
    DetectionTransformer,
    TwoStageDetector,
)
from mmdet.models.utils import samplelist_boxtype2tensor
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import InstanceData
from torch import Tensor

from mmsgg.models.object_sources import Found
from mmsgg.models.relation_heads import RelationOutput
from mmsgg.registry import MODELS, TASK_UTILS
from mmsgg.structures import SGDataSample

from .detector_weights import branch_weights, check_frozen_weights
from .module_contexts import computed_once, testing

TASKS = ('predcls', 'sgcls', 'sgdet')
PARTS = ('detector.', 'relation_head.', 'data_preprocessor.')


@MODELS.register_module()
class SamplesDataPreprocessor(BaseDataPreprocessor):
    """Brings samples that have no image to the device."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Return ``data_samples`` on the device, and None as ``inputs``."""
        samples = self.cast_data(data)['data_samples']
        samplelist_boxtype2tensor(samples)
        return dict(inputs=None, data_samples=samples)


@MODELS.register_module()
class SceneGraphDetector(BaseDetector):
    """From images to scene graphs.

    The way of an image::

        image -> extract_feat -> object_source -> relation_head -> graph

    The detector is any of mmdet's, by its config, and stands inside the model
    as ``detector``, so that a checkpoint of it loads as it is: weights
    without the prefix of a part of this model are the detector's.

    The task says what is given: 'predcls' boxes and classes, 'sgcls' boxes,
    'sgdet' nothing. What is given is read from ``gt_instances``, whose
    ``scores``, if there are any, say how sure the classes of predcls are.

    Args:
        detector: Config of the detector, or None for a relation head that
            needs no image.
        relation_head: Config of the relation head. It may not be left out.
        object_source: Config of what makes the objects; by default the one
            that fits the detector, see :mod:`mmsgg.models.object_sources`.
        task: 'predcls', 'sgcls' or 'sgdet'.
        freeze_detector: Whether only the relation head is trained. Else the
            detector's own losses join in, as ``detector.loss_...``.
        given_pairs: Whether only the pairs of ``gt_relations`` are judged,
            those of a box with itself among them, as in the predicate
            detection of Stanford VRD.
        init_cfg: Initialisation, mmengine's.

    Raises:
        ValueError: If the task is unknown, the source cannot serve it, or the
            relation head needs an image and there is no detector.
        TypeError: If there is no relation head, or no objects come out of
            the detector.
    """

    def __init__(
        self,
        detector: dict | None = None,
        relation_head: dict | None = None,
        object_source: dict | None = None,
        task: str = 'sgdet',
        freeze_detector: bool = True,
        given_pairs: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if relation_head is None:
            raise TypeError('SceneGraphDetector needs a relation_head')
        # building changes a config, and this one is the user's
        built: Any = MODELS.build(deepcopy(detector)) if detector else None
        preprocessor = (
            dict(type='SamplesDataPreprocessor')
            if built is None
            else built.data_preprocessor
        )
        super().__init__(preprocessor, init_cfg)
        self.detector = built
        self.relation_head = MODELS.build(relation_head)
        self.object_source = TASK_UTILS.build(
            dict(object_source or default_source(built)),
            default_args=dict(
                detector=built, num_classes=self.relation_head.num_classes
            ),
        )
        self.task = self._checked(task)
        self.given_pairs = given_pairs
        self.freeze_detector = freeze_detector
        if built is None and self.relation_head.uses_image:
            raise ValueError(
                f'SceneGraphDetector: without a detector there is no image to '
                f'show to {type(self.relation_head).__name__}; switch off '
                'what looks at it (of LinkNet features and global_context), '
                'or add a detector'
            )
        if built is not None and freeze_detector:
            built.requires_grad_(False)

    def _checked(self, task: str) -> str:
        """Return the task, if it is one that the objects can be made for."""
        if task not in TASKS:
            raise ValueError(
                f'SceneGraphDetector: unknown task {task!r}; set model.task '
                f'to one of {", ".join(TASKS)}'
            )
        if task not in self.object_source.tasks:
            source = type(self.object_source).__name__
            reason = self.object_source.refusal
            raise ValueError(
                f'SceneGraphDetector: {source} serves '
                f'{" and ".join(self.object_source.tasks)}, not {task!r}'
                f'{reason and ": "}{reason}'
            )
        return task

    def train(self, mode: bool = True) -> 'SceneGraphDetector':
        """Switch the mode; a frozen detector stays in inference mode."""
        super().train(mode)
        if self.detector is not None and self.freeze_detector:
            self.detector.train(False)
        return self

    def rename_weights(self, weights: dict, prefix: str = '') -> None:
        """Bring weights, in place, to the names that they have here.

        What belongs to no part of this model is the detector's: in a
        checkpoint of mmdet, and in those of earlier versions.
        """
        for key in [k for k in weights if k.startswith(prefix)]:
            name = key.removeprefix(prefix)
            if self.detector is not None and not name.startswith(PARTS):
                weights[f'{prefix}detector.{name}'] = weights.pop(key)
        self.relation_head.rename_weights(weights, f'{prefix}relation_head.')

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any
    ) -> None:
        """Take a detector's checkpoint too, or refuse one that is too little.

        Where a checkpoint has no relation head, that is, of a detector, the
        branches of the relation head start from the detector's.

        Raises:
            ValueError: If the detector is frozen and would stay random.
        """
        self.rename_weights(state_dict, prefix)
        detector = {
            key.removeprefix(f'{prefix}detector.'): value
            for key, value in state_dict.items()
            if key.startswith(f'{prefix}detector.')
        }
        head = f'{prefix}relation_head.'
        if not any(key.startswith(head) for key in state_dict):
            weights = branch_weights(detector, self.relation_head.state_dict())
            for key, value in weights.items():
                state_dict[head + key] = value
        if self.detector is not None and self.freeze_detector:
            check_frozen_weights(detector, self.detector.state_dict())
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extract_feat(self, batch_inputs: Tensor | None) -> tuple[Tensor, ...]:
        """Make the feature maps, each (B, channels, H, W), in float32.

        Under autocast too: mmcv pools no bfloat16, and would round the
        corners of RoIs to the type of the map.

        Raises:
            ValueError: If there are more maps than images, of which a head
                would see the first and miss the rest.
        """
        maps = _in_float32(self.object_source.extract_feat(batch_inputs))
        if maps and batch_inputs is not None:
            num, images = len(maps[0]), len(batch_inputs)
            if num != images:
                raise ValueError(
                    f'{type(self.detector).__name__} makes {num} maps of '
                    f'{images} images, one for each branch; keep it frozen '
                    '(freeze_detector=True), with one branch in tests '
                    '(test_branch_idx not -1)'
                )
        return maps

    def objects_of(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """Make the objects that the head works on, as :meth:`find` does."""
        return self.find(x, batch_data_samples, given).objects

    def find(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
        with_losses: bool = False,
    ) -> Found:
        """Make the objects, and what the relation head sees of the images.

        As in a test, also while the detector is trained: some give other
        things in training. Only with its losses it runs as it is, so that
        gradients reach it.

        Args:
            x: Feature maps, as :meth:`extract_feat` gave them.
            batch_data_samples: B samples.
            given: As of :meth:`ObjectSource.objects`.
            with_losses: As of :meth:`ObjectSource.find`.
        """
        as_in_test = nullcontext() if with_losses else testing(self.detector)
        with as_in_test:
            found = self.object_source.find(
                x, batch_data_samples, given, with_losses
            )
        for image, sample in zip(
            found.objects, batch_data_samples, strict=True
        ):
            if 'img_shape' in sample:
                image.set_metainfo(dict(img_shape=sample.img_shape))
        return found

    def loss(
        self,
        batch_inputs: Tensor | None,
        batch_data_samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            batch_inputs: (B, 3, H, W) normalised images.
            batch_data_samples: With ``gt_instances`` in input-image pixels
                and ``gt_relations``.

        Raises:
            KeyError: If the samples have no relations.
            ValueError: If some are to be ignored by a head that cannot.
        """
        for sample in batch_data_samples:
            if 'gt_relations' not in sample:
                raise KeyError(
                    f'image {sample.get("img_id")} comes without relations to '
                    'train on; load them with LoadRelationAnnotations and '
                    'pack them with PackSGInputs in the train pipeline, not '
                    'with LoadAnnotations and PackDetInputs'
                )
            ignores = 'ignored' in sample.gt_relations
            if ignores and not self.relation_head.samples_pairs:
                raise ValueError(
                    f'{type(self.relation_head).__name__} learns all '
                    'relations, and cannot ignore some of them; take '
                    'BiLevelResampledDataset away'
                )
        of_detector: Mapping[str, Tensor] = {}
        trained = self.detector is not None and not self.freeze_detector
        in_one_pass = trained and self.object_source.end_to_end
        with self._maps_made_once() as stack:
            if not trained:
                stack.enter_context(torch.no_grad())
            elif not in_one_pass:
                of_detector = self.detector.loss(
                    batch_inputs, batch_data_samples
                )
            x = self.extract_feat(batch_inputs)
            given = self._given(batch_data_samples, self.task, scaled=False)
            found = self.find(x, batch_data_samples, given, in_one_pass)
        of_detector = of_detector or found.losses
        losses = {f'detector.{k}': v for k, v in of_detector.items()}
        losses.update(
            self.relation_head.loss(found.x, found.objects, batch_data_samples)
        )
        return losses

    def _maps_made_once(self) -> ExitStack:
        """Share the feature maps within a step, and of an RPN its own."""
        stack = ExitStack()
        if self.detector is not None:
            shared = self.object_source.shared_forwards
            methods = [(module, 'forward') for module in shared]
            for method in ((self.detector, 'extract_feat'), *methods):
                stack.enter_context(computed_once(*method, _in_float32))
        return stack

    def predict(
        self,
        batch_inputs: Tensor | None,
        batch_data_samples: list[SGDataSample],
        rescale: bool = True,
        task: str | None = None,
        max_relations: int | None = None,
        max_triplets: int | None = None,
    ) -> list[SGDataSample]:
        """Predict the scene graphs of a batch.

        Args:
            batch_inputs: (B, 3, H, W) normalised images.
            batch_data_samples: What the task needs, in original-image pixels.
            rescale: Whether boxes come in original-image, not input pixels.
            task: The task of this call, by default the model's.
            max_relations: As of :meth:`BaseRelationHead.predict`.
            max_triplets: Likewise.

        Returns:
            The same samples with ``pred_instances`` and ``pred_relations``.
            Given boxes keep the masks of ``gt_instances``, if these have any
            and ``rescale``.
        """
        found = self._test_objects(batch_inputs, batch_data_samples, task)
        pairs = None
        if self.given_pairs:
            pairs = [
                sample.gt_relations.pairs.unique(dim=0)
                for sample in batch_data_samples
            ]
        graphs = self.relation_head.predict(
            found.x,
            found.objects,
            [sample.metainfo for sample in batch_data_samples],
            rescale=rescale and batch_inputs is not None,
            pairs=pairs,
            max_relations=max_relations,
            max_triplets=max_triplets,
        )
        for sample, (instances, relations) in zip(
            batch_data_samples, graphs, strict=True
        ):
            sample.pred_instances = instances
            sample.pred_relations = relations
            given = rescale and (task or self.task) != 'sgdet'
            if given and 'masks' in sample.gt_instances:  # as OpenPSG does
                instances.masks = sample.gt_instances.masks
        return batch_data_samples

    def _forward(
        self,
        batch_inputs: Tensor | None,
        batch_data_samples: list[SGDataSample],
    ) -> RelationOutput:
        """Return what :meth:`BaseRelationHead.forward` says of all pairs."""
        objects, x, _ = self._test_objects(batch_inputs, batch_data_samples)
        pairs = [self.relation_head.all_pairs(o.bboxes) for o in objects]
        return self.relation_head(x, objects, pairs)

    def _test_objects(
        self,
        batch_inputs: Tensor | None,
        batch_data_samples: list[SGDataSample],
        task: str | None = None,
    ) -> Found:
        """Make the objects, and what the relation head sees."""
        task = self._checked(task or self.task)
        x = self.extract_feat(batch_inputs)
        scaled = batch_inputs is not None
        given = self._given(batch_data_samples, task, scaled)
        return self.find(x, batch_data_samples, given)

    def _given(
        self, samples: list[SGDataSample], task: str, scaled: bool
    ) -> list[InstanceData] | None:
        """Bring what is given of each image into input-image pixels.

        Args:
            samples: Of a batch.
            task: The task.
            scaled: Whether ground truth is in original-image pixels, and the
                image is not.
        """
        if task == 'sgdet':
            return None
        given = []
        for sample in samples:
            if 'gt_instances' not in sample:
                raise ValueError(
                    f"Task '{task}' needs gt_instances, but the sample of "
                    f'{sample.get("img_path", "an image")} has none; load '
                    f'annotations in the test pipeline, or set '
                    f"model.task='sgdet'"
                )
            bboxes = sample.gt_instances.bboxes
            if scaled:
                bboxes = bboxes * bboxes.new_tensor(sample.scale_factor * 2)
            given.append(InstanceData(bboxes=bboxes))
            for name in ('labels', 'scores') if task == 'predcls' else ():
                if name in sample.gt_instances:
                    given[-1].set_field(sample.gt_instances[name], name)
        return given


def default_source(detector: BaseDetector | None) -> dict:
    """The config of the object source that fits a detector."""
    if detector is None:
        return dict(type='GivenBoxes')
    if isinstance(detector, TwoStageDetector):
        return dict(type='TwoStageObjects')
    if isinstance(detector, DetectionTransformer):
        return dict(type='TransformerObjects')
    return dict(type='SingleStageObjects')


def _in_float32(maps: Any) -> Any:
    """The maps in float32; the very tuple or list where they are."""
    if isinstance(maps, Tensor):
        return maps.float()
    levels = [_in_float32(level) for level in maps]
    if all(new is old for new, old in zip(levels, maps, strict=True)):
        return maps
    return type(maps)(levels)
