"""From any image to its scene graph."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.apis import DetInferencer
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.visualization import Visualizer
from rich.progress import track
from torch import nn

from mmsgg.engine import (
    check_config_version,
    check_weights,
    embedded_config,
    read_checkpoint,
)
from mmsgg.evaluation import graph_to_dict
from mmsgg.registry import INFERENCERS, MODELS
from mmsgg.structures import SGDataSample

from .exports import check_export, export_graph, to_triples
from .given_objects import LabelMap, task_of
from .graph_filter import Wanted, filter_sample
from .hub import read_named_model
from .input_images import (
    Image,
    InputImage,
    images_for_task,
    is_folder,
    report_failed,
)
from .input_limits import MAX_OBJECTS, MAX_PIXELS
from .vocabulary import find_vocabulary, metainfo_of, numbers_of

MAX_RELATIONS = 100_000  # of an image, before filters; those of 317 objects


@INFERENCERS.register_module()
class SGGInferencer(DetInferencer):
    """Predicts the scene graphs of images, with no data set at hand.

    The way of an image::

        __call__ -> preprocess -> forward -> postprocess -> visualize

    One checkpoint serves all three tasks: the task of a call is an argument,
    and nothing of the model changes.

    Args:
        model: A config, its path, the name of one of mmsgg's, or 'hf://org/name'
            of Hugging Face's hub (see :mod:`mmsgg.apis.hub`). Without it, the
            config that mmengine saved in the checkpoint; it is read as data.
        weights: The checkpoint. It carries the names of the classes and the
            predicates.
        device: Such as 'cuda:0' or 'cpu'; by default the best there is.
        scope: The registry scope that types without one are found in.
        show_progress: Whether calls with several batches show a bar.
        max_objects: The most boxes that an image may be given.
        max_pixels: Width times height of the largest image to take.
        trust: Whether code in the checkpoint, and in its config, may run.

    Attributes:
        model.dataset_meta (dict): ``classes`` and ``predicates``, the names.
        visualizer: The config's; its settings say how pictures look.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        ValueError: If the model has no relation head, or the checkpoint
            is of another vocabulary or leaves part of the model random, or
            it or its config is more than data.
    """

    def __init__(
        self,
        model: str | Path | dict | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        scope: str = 'mmsgg',
        show_progress: bool = True,
        max_objects: int = MAX_OBJECTS,
        max_pixels: int = MAX_PIXELS,
        trust: bool = False,
    ) -> None:
        self.max_objects = max_objects
        self.max_pixels = max_pixels
        self.trust = trust
        super().__init__(
            model=str(model) if isinstance(model, Path) else model,
            weights=None if weights is None else str(weights),
            device=device,
            scope=scope,
            show_progress=show_progress,
        )

    def _load_model_from_metafile(
        self, model: str
    ) -> tuple[Config, str | None]:
        """Find a model that is named by no file."""
        return read_named_model(model, self.trust)

    def _init_model(
        self, cfg: Config, weights: str | None, device: str = 'cpu'
    ) -> nn.Module:
        """Build the model and load its weights."""
        checkpoint = None
        if weights is not None:
            checkpoint = read_checkpoint(weights, trust=self.trust)
        if not cfg and checkpoint is not None:
            cfg.update(embedded_config(checkpoint, self.trust)._cfg_dict)
        check_config_version(cfg)
        model = MODELS.build(cfg.model)
        model.cfg = cfg
        model.given_pairs = False  # with an image nobody gives pairs
        self._load_weights_to_model(model, checkpoint, cfg)
        return model.to(device).eval()

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: Config
    ) -> None:
        """Load weights and names, unless something is missing."""
        if not hasattr(model, 'relation_head'):
            raise ValueError(
                'the model of the config has no relation_head, so that it '
                "finds no graphs; mmdet's DetInferencer is for detectors"
            )
        head: Any = model.relation_head
        meta = (checkpoint or {}).get('meta', {}).get('dataset_meta') or {}
        names = find_vocabulary(
            dict(classes=head.num_classes, predicates=head.num_predicates),
            {key.lower(): value for key, value in meta.items()},
            metainfo_of(cfg),
        )
        model.dataset_meta = names  # type: ignore[assignment]
        if checkpoint is not None:
            check_weights(model, checkpoint)
        # not mmdet's, which falls back on COCO and opens the data set
        super(DetInferencer, self)._load_weights_to_model(
            model, checkpoint, cfg
        )

    def _init_pipeline(self, cfg: Config) -> Compose:
        """The test pipeline, which loads arrays too, and no annotation."""
        dataset = cfg.test_dataloader.dataset
        dataset.pipeline = [
            transform
            for transform in dataset.pipeline
            if not transform['type'].endswith('Annotations')
        ]
        if self.model.detector is None:  # the size of an image is enough
            names = ('LoadImageFromFile', 'PackSGInputs')
            dataset.pipeline = [dict(type=name) for name in names]
        return super()._init_pipeline(cfg)

    def _init_visualizer(self, cfg: Config) -> Visualizer:
        """The config's visualizer, writing to no log of a training."""
        cfg.setdefault('visualizer', dict(type='SGLocalVisualizer'))
        cfg.visualizer.vis_backends = None
        return super()._init_visualizer(cfg)

    def __call__(
        self,
        inputs: Image | Sequence[Image],
        batch_size: int = 1,
        *,
        boxes: Any = None,
        labels: Any = None,
        scores: Any = None,
        label_map: LabelMap | None = None,
        task: str | None = None,
        score_thr: float | None = None,
        topk: int | None = None,
        classes: Wanted = None,
        predicates: Wanted = None,
        merge_iou: float | None = None,
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        pred_score_thr: float = 0.3,
        out_dir: str | Path = '',
        no_save_vis: bool = False,
        no_save_pred: bool = False,
        export: Sequence[str] = ('json',),
        print_result: bool = False,
        return_datasamples: bool = False,
    ) -> dict[str, Any]:
        """Predict the scene graphs of images.

        Args:
            inputs: A path, a folder, an array (H, W, 3) BGR uint8, or a list
                of paths and arrays.
            batch_size: Images that go through the model at once.
            boxes: Your own boxes (N, 4), [x1, y1, x2, y2] in pixels of the
                original image; for a folder (sorted by name) or a list, one
                entry an image.
            labels: Their classes, names or numbers; entries as of ``boxes``.
            scores: How sure the labels are, 0 to 1, such as those of a
                detector; entries as of ``boxes``. By default certain.
            label_map: What the model calls a class of ``labels``, where that
                differs; None leaves its boxes out.
            task: 'predcls' takes boxes and labels, 'sgcls' boxes, 'sgdet'
                nothing; what a task does not take is not read. By default
                the one that takes what is given.
            score_thr: See :func:`filter_graph`. By default 0 for the
                predictions, and the visualizer's setting for the picture.
            topk: The most triplets of an image. By default 100 for the
                predictions, and the visualizer's setting for the picture.
            classes: Names or numbers of the only classes to keep.
            predicates: Names or numbers of the only predicates to keep.
            merge_iou: Boxes that overlap so much are one object.
            return_vis: Whether to return the pictures.
            show: Whether to show the pictures in a window.
            wait_time: How long, in seconds; 0 waits for a key.
            pred_score_thr: The least score of drawn objects without relation.
            out_dir: Folder for pictures (``vis/*.jpg``) and predictions
                (``preds/*.json``, see ``docs/result_file.md``).
            no_save_vis: Whether to save no pictures there.
            no_save_pred: Whether to save no predictions there.
            export: The formats to save them in, of
                :data:`mmsgg.apis.exports.FORMATS`.
            print_result: Whether to print the triplets.
            return_datasamples: Whether to give :class:`SGDataSample`, no dict.

        Returns:
            ``predictions``, one an image: a dict of
            :func:`mmsgg.evaluation.graph_to_dict`, or a sample on the CPU;
            ``visualization``, the pictures (H, W, 3) RGB, if asked for;
            ``failed``, a message for each file of a folder that did not
            load, which has no prediction.

        Raises:
            FileNotFoundError: If there is no such image, or no program for
                a format of ``export``.
            ValueError: On an image that does not decode, and on boxes,
                labels, names or formats that do not fit.
        """
        if batch_size < 1 or (topk is not None and topk < 0):
            raise ValueError(
                f'batch_size is at least 1, topk at least 0; not {batch_size} '
                f'and {topk}'
            )
        if out_dir and not no_save_pred:
            for ending in export:
                check_export(f'*.{ending}')
        task = task_of(task, boxes, labels, self.model.detector is not None)
        images = images_for_task(
            inputs,
            task,
            boxes,
            labels,
            self.model.dataset_meta['classes'],
            self.num_predicted_imgs,
            self.max_objects,
            scores,
            label_map,
        )
        self.num_predicted_imgs += len(images)
        failed: dict[str, str] = {}
        batches: Iterable = self.preprocess(
            images, batch_size, failed=failed if is_folder(inputs) else None
        )
        if self.show_progress and len(images) > batch_size:
            total = math.ceil(len(images) / batch_size)
            batches = track(batches, 'Inference', total)
        names = self.model.dataset_meta
        wishes: dict[str, Any] = dict(
            score_thr=score_thr or 0.0,
            topk=100 if topk is None else topk,
            merge_iou=merge_iou,
            classes=numbers_of(classes, names['classes']),
            predicates=numbers_of(
                predicates, names['predicates'], 'predicate'
            ),
        )
        limits = dict(topk_relations=topk, relation_score_thr=score_thr)
        predictions: list = []
        pictures: list = []
        # what is left out, or merged, makes room for what is behind
        whole = classes is None is predicates and merge_iou is None
        best = wishes['topk'] if whole else None
        for sources, data in batches:
            preds = self.forward(data, task, max_triplets=best)
            preds = [filter_sample(pred, **wishes) for pred in preds]
            # files come first: where no picture can be shown, they are there
            found = self.postprocess(
                preds,
                [],
                sources,
                return_datasamples,
                print_result,
                '' if no_save_pred else out_dir,
                export,
            )
            predictions += found['predictions']
            pictures += self.visualize(
                sources,
                preds,
                return_vis,
                show,
                wait_time,
                pred_score_thr,
                '' if no_save_vis else out_dir,
                **limits,
            )
        report_failed(failed, len(images))
        return dict(
            predictions=predictions, visualization=pictures, failed=failed
        )

    def preprocess(
        self,
        inputs: Sequence[InputImage],
        batch_size: int = 1,
        failed: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> Iterator[tuple[tuple[InputImage, ...], dict]]:
        """Load the images, a batch at a time.

        Args:
            inputs: The images.
            batch_size: How many make a batch.
            failed: Gets a message for each file that does not load; without
                it the first one raises.
            **kwargs: None; for subclasses.

        Yields:
            The images of a batch, and what the model takes.
        """
        loaded = (
            (image, data)
            for image in inputs
            if (data := self._load(image, failed)) is not None
        )
        chunks = super(DetInferencer, self)._get_chunk_data(loaded, batch_size)
        for chunk in chunks:
            images, items = zip(*chunk, strict=True)
            yield images, self.collate_fn(list(items))

    @torch.no_grad()
    def forward(
        self, inputs: dict, task: str | None = None, **limits: Any
    ) -> list[SGDataSample]:
        """Predict a batch of :meth:`preprocess`; samples are on the CPU."""
        data = self.model.data_preprocessor(inputs, False)
        samples = self.model.predict(
            data['inputs'],
            data['data_samples'],
            task=task,
            max_relations=MAX_RELATIONS,
            **limits,
        )
        return [sample.cpu() for sample in samples]

    def visualize(
        self,
        inputs: Sequence[InputImage],
        preds: list[SGDataSample],
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        pred_score_thr: float = 0.3,
        img_out_dir: str | Path = '',
        **kwargs: Any,
    ) -> list[np.ndarray]:
        """Draw the predictions of a batch.

        Args as of :meth:`__call__`; the rest are limits of this picture, as
        of :meth:`SGLocalVisualizer.add_datasample`.

        Returns:
            The pictures (H, W, 3) RGB, if they are asked for.
        """
        pictures: list[np.ndarray] = []
        if not (return_vis or show or img_out_dir):
            return pictures
        for image, pred in zip(inputs, preds, strict=True):
            file = Path(img_out_dir, 'vis', f'{image.stem}.jpg')
            self.visualizer.add_datasample(
                image.stem,
                image.read_rgb(),
                pred,
                draw_gt=False,
                show=show,
                wait_time=wait_time,
                pred_score_thr=pred_score_thr,
                out_file=str(file) if img_out_dir else None,
                **kwargs,
            )
            if return_vis:
                pictures.append(self.visualizer.get_image())
        return pictures

    def postprocess(
        self,
        preds: list[SGDataSample],
        visualization: list[np.ndarray],
        sources: Sequence[InputImage] = (),
        return_datasamples: bool = False,
        print_result: bool = False,
        pred_out_dir: str | Path = '',
        export: Sequence[str] = ('json',),
        **kwargs: Any,
    ) -> dict[str, list]:
        """Make dicts of the predictions of a batch, save and print them.

        Returns:
            ``predictions`` and ``visualization``.
        """
        graphs = [self.pred2dict(pred) for pred in preds]
        for image, graph in zip(sources, graphs, strict=True):
            if pred_out_dir:
                folder = Path(pred_out_dir, 'preds')
                folder.mkdir(parents=True, exist_ok=True)
                for ending in export:
                    export_graph(folder / f'{image.stem}.{ending}', graph)
            if print_result:
                print(f'{image.name}:')
                print(to_triples(graph) or 'no relation', flush=True)
        return dict(
            predictions=preds if return_datasamples else graphs,
            visualization=visualization,
        )

    def pred2dict(
        self, data_sample: SGDataSample, pred_out_dir: str = ''
    ) -> dict[str, Any]:
        """Make the dict of a prediction, with names and all its relations."""
        return graph_to_dict(
            data_sample.to_dict(),
            self.model.dataset_meta['classes'],
            self.model.dataset_meta['predicates'],
            topk=len(data_sample.pred_relations),
        )

    def _load(self, image: InputImage, failed: dict | None) -> dict | None:
        """Load one image and attach what is given; None where that failed."""
        try:
            data = image.load(self.pipeline, self.max_pixels)
        except (OSError, ValueError) as error:
            if failed is None:
                raise
            failed[str(image.source)] = str(error)
            return None
        return image.attach_given(data)
