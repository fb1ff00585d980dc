"""The visualizer of scene graphs."""

from collections.abc import Sequence
from typing import Any

import mmcv
import numpy as np
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only

from mmsgg.registry import VISUALIZERS
from mmsgg.structures import SGDataSample

from .drawn_graph import DrawnGraph, match_graphs, read_graph
from .scene import Scene, SceneObject, SceneRelation, counted
from .scene_panel import ScenePanel


@VISUALIZERS.register_module()
class SGLocalVisualizer(DetLocalVisualizer):
    """Draws scene graphs: boxes, arrows between them, and a list of triplets.

    The annotation stands beside the prediction. Where both are there,
    relations that agree (classes, predicate, both boxes with IoU >= 0.5) are
    green and the others red, in both panels: a green prediction is a hit, a
    red annotation was not found among the predictions drawn.

    Arrows run from edge to edge. No tag hides another: one without room is
    shortened to its number or left out; the list has every relation drawn.

    It takes the place of mmdet's in a config; ``DetVisualizationHook`` works
    with it as it is. Names come from ``dataset_meta['classes']`` and
    ``dataset_meta['predicates']``, else numbers are shown.

    Args:
        name: The name of the instance; a config must give one.
        topk_relations: How many predicted relations to draw, the best first.
        relation_score_thr: The least score of a predicted relation, which is
            a product of three probabilities, to be drawn.
        max_gt_relations: How many annotated relations to draw.
        max_loose_objects: How many objects without any drawn relation to
            draw, the best first.
        min_side: The long side of an image gets at least so many pixels.
        max_side: And at most so many.
        with_graph: Whether to add the graph as nodes and arrows below.
        **kwargs: Of :class:`mmdet.visualization.DetLocalVisualizer`, such as
            ``vis_backends`` and ``save_dir``.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from mmengine.structures import InstanceData
        >>> from mmsgg.structures import SGDataSample
        >>> sample = SGDataSample()
        >>> sample.gt_instances = InstanceData(
        ...     bboxes=torch.tensor([[8., 8, 60, 90], [20, 60, 110, 120]]),
        ...     labels=torch.tensor([0, 1]))
        >>> sample.gt_relations = InstanceData(
        ...     pairs=torch.tensor([[0, 1]]), labels=torch.tensor([0]))
        >>> visualizer = SGLocalVisualizer()
        >>> visualizer.dataset_meta = dict(
        ...     classes=('person', 'horse'), predicates=('riding',))
        >>> image = np.zeros((128, 128, 3), dtype=np.uint8)
        >>> visualizer.add_datasample('toy', image, sample)
        >>> visualizer.get_image().shape
        (826, 760, 3)
    """

    def __init__(
        self,
        name: str = 'visualizer',
        *,
        topk_relations: int = 20,
        relation_score_thr: float = 0.0,
        max_gt_relations: int = 40,
        max_loose_objects: int = 20,
        min_side: int = 760,
        max_side: int = 1024,
        with_graph: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self.topk_relations = topk_relations
        self.relation_score_thr = relation_score_thr
        self.max_gt_relations = max_gt_relations
        self.max_loose_objects = max_loose_objects
        self.panel = ScenePanel(min_side, max_side, with_graph)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SGDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
        topk_relations: int | None = None,
        relation_score_thr: float | None = None,
    ) -> None:
        """Draw a sample and hand the picture to a file or the backends.

        Args:
            name: The identifier of the image.
            image: (H, W, 3) RGB, 0 to 255.
            data_sample: Annotation and prediction, boxes in original-image
                pixels, that is those of ``image``; any part may be missing.
            draw_gt: Whether to draw the annotation.
            draw_pred: Whether to draw the prediction.
            show: Whether to show the picture in a window.
            wait_time: How long to show it, in seconds; 0 waits for a key.
            out_file: Where to write the picture, instead of the backends.
            pred_score_thr: The least score of predicted objects that are in
                no relation drawn.
            step: The number of the step, for the backends.
            topk_relations: For this picture, by default the setting.
            relation_score_thr: For this picture, by default the setting.
        """
        if topk_relations is None:
            topk_relations = self.topk_relations
        if relation_score_thr is None:
            relation_score_thr = self.relation_score_thr
        image = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
        scenes = []
        if data_sample is not None:
            scenes = self._scenes(
                data_sample.cpu(),
                draw_gt,
                draw_pred,
                pred_score_thr,
                topk_relations,
                relation_score_thr,
            )
        picture = self._draw_panels(image, scenes) if scenes else image
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(picture[..., ::-1], out_file)
        else:
            self.add_image(name, picture, step)

    def _scenes(
        self,
        sample: SGDataSample,
        draw_gt: bool,
        draw_pred: bool,
        thr: float,
        topk_relations: int,
        relation_score_thr: float,
    ) -> list[Scene]:
        """What the panels show; none for a graph that the sample lacks."""
        true = predicted = found = hits = None
        if 'gt_instances' in sample:
            true = read_graph(sample.gt_instances, sample.get('gt_relations'))
        if 'pred_instances' in sample:
            predicted = read_graph(
                sample.pred_instances, sample.get('pred_relations')
            ).first_relations(topk_relations, relation_score_thr)
        if true is not None and predicted is not None:
            if 'gt_relations' in sample and 'pred_relations' in sample:
                hits, found = match_graphs(predicted, true)
        scenes = []
        if draw_gt and true is not None:
            # cut only here: a prediction may hit a relation not drawn
            true = true.first_relations(self.max_gt_relations)
            scenes.append(
                self._scene('Ground truth', 'found', true, found, 0.0)
            )
        if draw_pred and predicted is not None:
            scenes.append(
                self._scene('Prediction', 'hits', predicted, hits, thr)
            )
        return scenes

    def _scene(
        self,
        title: str,
        word: str,
        graph: DrawnGraph,
        hits: np.ndarray | None,
        score_thr: float,
    ) -> Scene:
        """Names for the numbers of a graph."""
        rows = graph.visible_objects(score_thr, self.max_loose_objects)
        position = {int(row): i for i, row in enumerate(rows)}
        classes = self._names('classes')
        predicates = self._names('predicates')
        objects = [
            SceneObject(
                graph.boxes[row],
                int(graph.labels[row]),
                _name(classes, graph.labels[row]),
                int(row),
                bool((graph.pairs == row).any()),
            )
            for row in rows
        ]
        scores = graph.relation_scores
        relations = [
            SceneRelation(
                position[int(graph.pairs[k, 0])],
                position[int(graph.pairs[k, 1])],
                _name(predicates, graph.predicates[k]),
                None if scores is None else float(scores[k]),
                None if hits is None else bool(hits[k]),
            )
            for k in range(len(graph.pairs))
        ]
        numbers = (
            counted(len(objects), 'object'),
            counted(len(relations), 'relation'),
        )
        title = f'{title}: {", ".join(numbers)}'
        if hits is not None:
            count = int(hits[: len(relations)].sum())
            title += f', {count} {word}'
        return Scene(title, objects, relations)

    def _names(self, key: str) -> Sequence[str]:
        return (self.dataset_meta or {}).get(key) or ()

    def _draw_panels(
        self, image: np.ndarray, scenes: Sequence[Scene]
    ) -> np.ndarray:
        """The panels side by side, the shorter one filled with white."""
        width = max(self.panel.width_of(image, scene) for scene in scenes)
        panels = [self.panel.draw(image, scene, width) for scene in scenes]
        height = max(len(panel) for panel in panels)
        gap = np.full((height, 8, 3), 255, np.uint8)
        columns = []
        for panel in panels:
            filled = np.full((height, width, 3), 255, np.uint8)
            filled[: len(panel)] = panel
            columns += [gap, filled]
        return np.concatenate(columns[1:], axis=1)


def _name(names: Sequence[str], index: int, longest: int = 24) -> str:
    """The name of a number, or the number where there is no name."""
    if not 0 <= index < len(names):
        return str(index)
    name = str(names[index])
    return name if len(name) <= longest else f'{name[: longest - 1]}\u2026'
