"""The visualizer of scene graphs."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only

from mmsgg.registry import VISUALIZERS
from mmsgg.structures import SGDataSample

from .arrows import by_name, draw_arrow, route_arrows
from .colors import (
    BLACK,
    WHITE,
    color_classes,
    color_of,
    hex_color,
    relation_color,
)
from .fonts import draw_text
from .graph_dict import (
    Graph,
    count_text,
    drop_loose_objects,
    first_triplets,
    mark_hits,
    read_graph,
    related_ids,
    rows_of_pairs,
)
from .graph_picture import draw_graph
from .labels import (
    LABEL_SIZE,
    LabelPlacer,
    arrow_ends,
    draw_label,
    label_graph,
    tag_related,
    text_size,
)
from .relation_list import RelationList

_TITLE_HEIGHT, _TITLE_SIZE, _MARGIN = 30, 15, 12
_GAP = 8  # pixels between the panels
_LETTERBOX = 225  # grey beside an image that is narrower than its text
_FULL_SIDE, _LEAST_TEXT = 760, 8  # pixels: marks shrink below, text up to
_MANY = 8  # objects, from where on strokes are lighter
_LIGHTER, _FILL = 0.6, 0.06  # their width and the opacity of what is inside


@VISUALIZERS.register_module()
class SGLocalVisualizer(DetLocalVisualizer):
    """Draws scene graphs: boxes, arrows between them, and a list of triplets.

    The annotation stands beside the prediction. Where both are there,
    relations that agree (classes, predicate, both boxes with IoU >= 0.5) are
    green and the others red, in both panels: a green prediction is a hit, a
    red annotation was not found among the predictions drawn.

    Arrows run from edge to edge, and from name to name where the boxes share
    more than 30 % of the smaller one. No label hides another: one without
    room is shortened to its number or left out; the list has every relation
    drawn. Dashed boxes are in no relation. Where there are many boxes, their
    strokes are lighter; on small pictures all marks are smaller. Classes whose
    colours would be close get others.

    Call graph::

        add_datasample
            _read_graphs        sample -> graphs, by graph_dict.py
            _draw_panels        one for each graph, side by side
                _draw_on_image  boxes, arrows, labels
                _draw_list      the title, the list of relations
                _draw_nodes     the graph without the image

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
        with_text: Whether to add the title above and the list of relations
            below.
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
        with_text: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **{'line_width': 4, **kwargs})
        self.topk_relations = topk_relations
        self.relation_score_thr = relation_score_thr
        self.max_gt_relations = max_gt_relations
        self.max_loose_objects = max_loose_objects
        self.min_side = min_side
        self.max_side = max_side
        self.with_graph = with_graph
        self.with_text = with_text
        # sizes of text and lines are in points: now a point is a pixel
        self.dpi = 72
        self.fig_save.set_dpi(self.dpi)

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
        picture = image
        if data_sample is not None:
            graphs = self._read_graphs(
                data_sample.cpu(),
                draw_gt,
                draw_pred,
                pred_score_thr,
                topk_relations,
                relation_score_thr,
            )
            if graphs:
                picture = self._draw_or_warn(name, image, graphs)
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(picture[..., ::-1], out_file)
        else:
            self.add_image(name, picture, step)

    def _read_graphs(
        self,
        sample: SGDataSample,
        draw_gt: bool,
        draw_pred: bool,
        score_thr: float,
        topk_relations: int,
        relation_score_thr: float,
    ) -> dict[str, Graph]:
        """The graphs to draw by their titles; none that the sample lacks."""
        meta = self.dataset_meta or {}
        names = meta.get('classes') or (), meta.get('predicates') or ()
        true = predicted = None
        if 'gt_instances' in sample:
            relations = sample.get('gt_relations')
            true = read_graph(sample.gt_instances, relations, *names)
        if 'pred_instances' in sample:
            relations = sample.get('pred_relations')
            predicted = first_triplets(
                read_graph(sample.pred_instances, relations, *names),
                topk_relations,
                relation_score_thr,
            )
        if true is not None and predicted is not None:
            if 'gt_relations' in sample and 'pred_relations' in sample:
                predicted, true = mark_hits(predicted, true)
        graphs: dict[str, Graph] = {}
        if draw_gt and true is not None:
            # cut only here: a prediction may hit a relation not drawn
            true = first_triplets(true, self.max_gt_relations)
            true = drop_loose_objects(true, 0.0, self.max_loose_objects)
            graphs[_title('Ground truth', true, 'found')] = true
        if draw_pred and predicted is not None:
            predicted = drop_loose_objects(
                predicted, score_thr, self.max_loose_objects
            )
            graphs[_title('Prediction', predicted, 'hits')] = predicted
        items = [
            item for graph in graphs.values() for item in graph['objects']
        ]
        colors = color_classes(item['label'] for item in items)
        for item in items:
            item['color'] = colors[item['label']]
        return graphs

    def _draw_or_warn(
        self, name: str, image: np.ndarray, graphs: Mapping[str, Graph]
    ) -> np.ndarray:
        """The panels, or the image alone where they do not draw.

        A picture must not cost the results of a test that runs.
        """
        try:
            return self._draw_panels(image, graphs)
        except Exception as error:
            warnings.warn(
                f'the graph of {name} could not be drawn '
                f'({type(error).__name__}: {error}); its picture is the image '
                'alone',
                stacklevel=3,
            )
            return image

    def _draw_panels(
        self, image: np.ndarray, graphs: Mapping[str, Graph]
    ) -> np.ndarray:
        """The panels side by side, the shorter one filled with white."""
        side = max(image.shape[:2])
        # from original-image pixels to pixels of the picture
        scale = float(np.clip(side, self.min_side, self.max_side)) / side
        width = round(image.shape[1] * scale)
        lists = [RelationList(graph) for graph in graphs.values()]
        if self.with_text:
            titles = [text_size(t, _TITLE_SIZE, bold=True)[0] for t in graphs]
            width = max(width, max(titles) + 2 * _MARGIN)
            width = max(width, *(relations.width for relations in lists))
        panels = []
        for (title, graph), relations in zip(
            graphs.items(), lists, strict=True
        ):
            parts = [self._draw_on_image(image, graph, scale, width)]
            if self.with_text:
                parts = self._draw_list(title, relations, width, *parts)
            if self.with_graph:
                parts.append(_draw_nodes(graph, width))
            panels.append(np.concatenate(parts))
        height = max(len(panel) for panel in panels)
        filled = [
            np.pad(
                panel,
                ((0, height - len(panel)), (0, _GAP), (0, 0)),
                constant_values=255,
            )
            for panel in panels
        ]
        return np.concatenate(filled, axis=1)[:, :-_GAP]

    def _draw_on_image(
        self, image: np.ndarray, graph: Graph, scale: float, width: int
    ) -> np.ndarray:
        """The image with boxes, arrows above them, and all labels on top.

        Args:
            image: (H, W, 3) RGB uint8.
            graph: Boxes in pixels of this image.
            scale: How much larger the picture is.
            width: Pixels of the picture; the image stands in the middle.

        Returns:
            (H', width, 3) RGB uint8.
        """
        body, left, right = _fit_image(image, scale, width)
        self.set_image(body)
        last = np.array([right - left, len(body)] * 2) - 1.0
        shift = np.array([left, 0, left, 0])
        boxes = [
            np.clip(item['box'] * scale, 0, last) + shift
            for item in graph['objects']
        ]
        limits = width, len(body)
        small = min(1.0, max(right - left, len(body)) / _FULL_SIDE)
        small = max(small, _LEAST_TEXT / LABEL_SIZE)
        size = round(small * LABEL_SIZE)
        bounds = (0, 0, *limits)
        self._draw_boxes(graph, boxes, small)
        # names keep clear of arrows at edges; the others run between names
        pairs = rows_of_pairs(graph)
        at_edges = [pair for pair in pairs if not by_name(boxes, pair)]
        ends = arrow_ends(route_arrows(boxes, at_edges, limits))
        tags = tag_related(graph, boxes, LabelPlacer(bounds, ends), size)
        places = {row: tag.box for row, tag in tags.items()}
        curves = route_arrows(boxes, pairs, limits, places)
        arrows = zip(graph['triplets'], curves, strict=True)
        # the best come last and are hidden by none; hits are above misses
        for triplet, points in sorted(
            reversed(list(arrows)), key=lambda arrow: bool(arrow[0].get('hit'))
        ):
            color = relation_color(triplet.get('hit'))
            draw_arrow(self.ax_save, points, color, outline=True, scale=small)
        for label in label_graph(
            graph, boxes, curves, bounds, tags, size=size
        ):
            draw_label(self.ax_save, label)
        return self.get_image()

    def _draw_boxes(
        self, graph: Graph, boxes: Sequence[np.ndarray], scale: float
    ) -> None:
        """Boxes in a white contour, dashed where no relation is drawn."""
        related = related_ids(graph)
        many = len(boxes) > _MANY
        wide = scale * self.line_width * (_LIGHTER if many else 1)
        for item, (x1, y1, x2, y2) in zip(
            graph['objects'], boxes, strict=True
        ):
            loose = item['id'] not in related
            width = 2 * scale if loose else wide
            color = hex_color(color_of(item))
            contour = width + (1 if loose else 2) * scale
            shape = (x1, y1), x2 - x1, y2 - y1
            if many and not loose:
                fill = Rectangle(*shape, color=color, alpha=_FILL, linewidth=0)
                self.ax_save.add_artist(fill)
            box = Rectangle(
                *shape,
                fill=False,
                edgecolor=color,
                linewidth=width,
                linestyle=(0, (6, 4)) if loose else '-',
                path_effects=[
                    withStroke(linewidth=contour, foreground='white')
                ],
            )
            self.ax_save.add_artist(box)

    def _draw_list(
        self,
        title: str,
        relations: RelationList,
        width: int,
        *body: np.ndarray,
    ) -> list[np.ndarray]:
        """The body between the title (30, width, 3) and the relations."""
        # one canvas for both: a canvas costs more than what is on it
        size = _TITLE_HEIGHT + relations.height(width), width, 3
        canvas = np.full(size, WHITE, np.uint8)
        canvas[:_TITLE_HEIGHT] = BLACK
        self.set_image(canvas)
        place = _MARGIN, _TITLE_HEIGHT / 2
        draw_text(self.ax_save, place, title, WHITE, _TITLE_SIZE, bold=True)
        relations.draw(self.ax_save, width, top=_TITLE_HEIGHT)
        drawn = self.get_image()
        return [drawn[:_TITLE_HEIGHT], *body, drawn[_TITLE_HEIGHT:]]


def _title(kind: str, graph: Graph, hits: str) -> str:
    """What is drawn and, where that is known, how many relations are hit."""
    title = f'{kind}: {count_text(graph)}'
    if loose := len(graph['objects']) - len(related_ids(graph)):
        title = title.replace(',', f' ({loose} dashed: no relation),', 1)
    if graph['compared']:
        title += f', {sum(t["hit"] for t in graph["triplets"])} {hits}'
    return title


def _fit_image(
    image: np.ndarray, scale: float, width: int
) -> tuple[np.ndarray, int, int]:
    """The image in its new size, pale, in the middle of some width.

    Returns:
        (H', width, 3) RGB uint8, and where the image starts and ends in it.
    """
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized = cv2.resize(image, size, interpolation=method)
    left = (width - size[0]) // 2
    right = left + size[0]
    body = np.full((size[1], width, 3), _LETTERBOX, np.uint8)
    # a little fog, so that thin marks stand out
    body[:, left:right] = np.round(0.82 * resized + 0.18 * 255)
    return body, left, right


def _draw_nodes(graph: Graph, width: int) -> np.ndarray:
    """The graph as nodes and arrows (H', width, 3)."""
    size = width, round(0.65 * width)
    nodes = draw_graph(graph, len(graph['triplets']), size)
    size = width, round(len(nodes) * width / nodes.shape[1])
    return cv2.resize(nodes, size, interpolation=cv2.INTER_AREA)
