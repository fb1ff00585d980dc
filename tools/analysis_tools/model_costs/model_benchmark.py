"""What a model costs: parameters, operations, time and memory."""

from collections.abc import Callable
from copy import deepcopy
from statistics import median
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn
from torch.optim import Optimizer
from torch.utils.flop_counter import FlopCounterMode

from mmsgg.models import ObjectSource, SingleStageObjects
from mmsgg.registry import HOOKS, MODELS, TASK_UTILS

from .random_batch import random_batch, random_boxes
from .stage_meter import PeakMemory, StageCost, StageMeter


class ModelBenchmark:
    """Runs the model of a config on random images, with random weights.

    Neither data nor checkpoints are needed. Images go through the pipelines
    of the config. In sgdet an untrained detector finds nothing: the threshold
    of its scores is lowered to 0, and what it finds then is the ground truth
    of its training, so that there are pairs to train on. The boxes of a
    single-stage detector are empty or equal even so: random ones take their
    place when it is done. Where all queries are objects, they are matched with
    random boxes.

    Args:
        cfg: Of a model and its data.
        device: Where to run.
        num_objects: Boxes of an image; in sgdet, detections at most.
        batch_size: Images of a batch.
        shape: Height and width of an image before the pipeline.
        dtype: What matrix products are computed in; other than float32 by
            autocast.
    """

    def __init__(
        self,
        cfg: Config,
        device: torch.device,
        num_objects: int = 64,
        batch_size: int = 1,
        shape: tuple[int, int] = (768, 1024),
        dtype: torch.dtype = torch.float32,
    ) -> None:
        init_default_scope(cfg.get('default_scope', 'mmsgg'))
        torch.manual_seed(0)
        self.cfg = cfg = deepcopy(cfg)
        self.task = cfg.model.get('task', 'detection')
        if self.task == 'sgdet':
            if 'detector' not in cfg.model:
                raise ValueError(
                    'this model takes detections from a file; measure it with '
                    "the config of its training, task 'predcls'"
                )
            self._lower_threshold(num_objects)
        self.model = MODELS.build(cfg.model).to(device)
        self._start_weights()
        hook = cfg.get('default_hooks', {}).get('speed')
        if hook:
            HOOKS.build(hook).apply(self.model)
        self._give_statistics()
        if self.task == 'sgdet':
            self._find_random_boxes(num_objects)
        self.device = device
        self.dtype = dtype
        self.batch_args = dict(
            batch_size=batch_size,
            shape=shape,
            num_objects=num_objects,
            **self._vocabulary(),
        )
        self.memory = PeakMemory(device)
        self.memory.reset()
        self.weights_mb = self.memory.read()

    def _lower_threshold(self, num_objects: int) -> None:
        """Take the best boxes for objects, however unsure the detector is."""
        source = self.cfg.model.get('object_source', {}).get('type')
        kind = TASK_UTILS.get(source) if source else ObjectSource
        options = {'object_source.max_per_img': num_objects}
        if kind.end_to_end:
            return
        if kind is not SingleStageObjects:  # which finds random boxes
            options['object_source.score_thr'] = 0.0
        self.cfg.merge_from_dict({f'model.{k}': v for k, v in options.items()})

    def _vocabulary(self) -> dict[str, int]:
        """Ask the heads how many classes and predicates there are."""
        head = getattr(self.model, 'relation_head', None)
        if head is None:
            box_head = getattr(self.model, 'roi_head', self.model).bbox_head
            if isinstance(box_head, nn.ModuleList):  # of a cascade
                box_head = box_head[-1]
            return dict(num_classes=box_head.num_classes, num_predicates=1)
        return dict(
            num_classes=head.num_classes, num_predicates=head.num_predicates
        )

    def _start_weights(self) -> None:
        """Start all weights, none of them from a file.

        Some of Deformable DETR are whatever the memory held before.
        """
        for part in self.model.modules():
            start = getattr(part, 'init_cfg', None)
            if isinstance(start, dict) and start.get('type') == 'Pretrained':
                part.init_cfg = None
        self.model.init_weights()

    def _give_statistics(self) -> None:
        """Make up what a hook would count in the data, or training average."""
        head = getattr(self.model, 'relation_head', None)
        for part in (head, getattr(head, 'loss_predicate', None)):
            if hasattr(part, 'set_counts'):
                part.set_counts([1] * head.num_predicates)
        debiasing = getattr(head, 'debiasing', None)
        if hasattr(debiasing, 'num_batches'):  # of TotalDirectEffect
            debiasing.num_batches.fill_(1)

    def _find_random_boxes(self, num_objects: int) -> None:
        """Let a single-stage detector find random boxes, its work done."""
        if not isinstance(self.model.object_source, SingleStageObjects):
            return
        box_head = self.model.detector.bbox_head
        predict = box_head.predict

        def find(x: Any, samples: list, **options: Any) -> list[InstanceData]:
            predict(x, samples, **options)
            rng = np.random.default_rng(0)  # the same in each call
            return [
                InstanceData(
                    bboxes=x[0].new_tensor(
                        random_boxes(rng, num_objects, sample.img_shape[:2])
                    ),
                    scores=x[0].new_tensor(rng.random(num_objects)),
                    labels=torch.as_tensor(
                        rng.integers(box_head.num_classes, size=num_objects),
                        device=x[0].device,
                    ),
                )
                for sample in samples
            ]

        box_head.predict = find

    def autocast(self) -> torch.autocast:
        """Compute in ``dtype`` while this context lasts."""
        half = self.dtype != torch.float32
        return torch.autocast(
            self.device.type, self.dtype if half else None, enabled=half
        )

    def parameters(self) -> dict[str, int]:
        """Count the parameters, all and those that are trained."""
        parameters = list(self.model.parameters())
        trained = [p for p in parameters if p.requires_grad]
        return dict(
            all=sum(p.numel() for p in parameters),
            trained=sum(p.numel() for p in trained),
        )

    def inference(self) -> Callable[[], list]:
        """Make a random batch and what predicts it again and again."""
        batch = random_batch(self.cfg, 'test', **self.batch_args)
        self.model.eval()

        @torch.no_grad()
        def step() -> list:
            with self.autocast():
                return self.model.test_step(deepcopy(batch))

        return step

    def head_prediction(self) -> Callable[[], list]:
        """Make what predicts the graphs of the objects of a random batch."""
        head, calls = self.model.relation_head, []
        predict = head.predict
        head.predict = lambda *a, **k: calls.append((a, k)) or predict(*a, **k)
        self.inference()()
        head.predict = predict
        [(inputs, options)] = calls

        @torch.no_grad()
        def step() -> list:
            with self.autocast():
                return predict(*inputs, **options)

        return step

    def workload(self) -> dict:
        """Count what inference on a batch has to do.

        Returns:
            ``num_objects``, ``num_pairs``, ``input_shape`` (None without
            images), and ``flops`` of matrix products and convolutions, a
            multiplication and an addition being two.
        """
        # torch 2.13 counts with hooks that take a view of a parameter, such as
        # the queries of Deformable DETR, for a result that has a gradient
        trained = [p for p in self.model.parameters() if p.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)
        with FlopCounterMode(display=False) as counter:
            samples = self.inference()()
        for parameter in trained:
            parameter.requires_grad_(True)
        return dict(
            num_objects=sum(len(s.pred_instances) for s in samples),
            num_pairs=sum(len(s.get('pred_relations', ())) for s in samples),
            input_shape=samples[0].get('batch_input_shape'),
            flops=counter.get_total_flops(),
        )

    def predict(self, steps: int) -> dict:
        """Measure inference; :meth:`workload` is a good step before it.

        Args:
            steps: How often.

        Returns:
            What :meth:`summary` says.
        """
        step, meter = self.inference(), StageMeter(self.model)
        return self.summary([meter.measure(step) for _ in range(steps)])

    def train(self, steps: int) -> dict:
        """Measure training; the learning rate is 0.

        Args:
            steps: How often; one more, which comes first, does not count.

        Returns:
            What :meth:`summary` says.
        """
        step, optimizer = self.training()
        meter = StageMeter(self.model)
        costs = [meter.measure(step, optimizer) for _ in range(steps + 1)]
        self.model.zero_grad()
        return self.summary(costs[1:])

    def training(self) -> tuple[Callable[[], None], Optimizer]:
        """Make a random batch and what trains on it, and its optimizer."""
        batch = random_batch(self.cfg, 'train', **self.batch_args)
        if self.task == 'sgdet' and not self.model.object_source.end_to_end:
            self._annotate_detections(batch)
        settings = deepcopy(self.cfg.optim_wrapper)
        settings.optimizer.lr = 0.0
        wrapper = build_optim_wrapper(self.model, settings)
        self.model.train()

        def step() -> None:
            with self.autocast():
                self.model.train_step(deepcopy(batch), wrapper)

        return step, wrapper.optimizer

    @torch.no_grad()
    def _annotate_detections(self, batch: dict) -> None:
        """Take what the detector finds for the ground truth of a batch."""
        self.model.eval()
        data = self.model.data_preprocessor(deepcopy(batch))
        x = self.model.extract_feat(data['inputs'])
        samples = data['data_samples']
        found = self.model.objects_of(x, samples, None)
        for sample, objects in zip(batch['data_samples'], found, strict=True):
            sample.gt_instances = InstanceData(
                bboxes=objects.bboxes.cpu(),
                labels=objects.logits[:, :-1].argmax(dim=1).cpu(),
            )
            rows = torch.arange(max(len(objects) - 1, 0))
            sample.gt_relations = InstanceData(
                pairs=torch.stack([rows, rows + 1], dim=1),
                labels=torch.zeros_like(rows),
            )

    def summary(self, costs: list[dict[str, StageCost]]) -> dict:
        """Sum up some steps.

        Returns:
            ``seconds`` a step (the median), ``images_per_second``,
            ``peak_mb`` beyond the weights (the most of all steps), and
            ``stages``, which has both for each stage.
        """
        seconds = median(
            sum(cost.seconds for cost in step.values()) for step in costs
        )
        stages = {
            stage: dict(
                seconds=median(step[stage].seconds for step in costs),
                peak_mb=self._beyond_weights(
                    [step[stage].peak_mb for step in costs]
                ),
            )
            for stage in costs[0]
        }
        peaks = [stage['peak_mb'] for stage in stages.values()]
        return dict(
            seconds=seconds,
            images_per_second=self.batch_args['batch_size'] / seconds,
            peak_mb=None if None in peaks else max(peaks),
            stages=stages,
        )

    def _beyond_weights(self, peaks: list[float | None]) -> float | None:
        return None if None in peaks else max(peaks) - self.weights_mb
