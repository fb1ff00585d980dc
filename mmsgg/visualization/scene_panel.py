"""One panel of the picture: title, image with its graph, legend."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .arrow_routes import route_arrows
from .drawing import class_color, draw_arrow, draw_box, draw_line, draw_tag
from .graph_view import draw_graph
from .legend import draw_legend, draw_title, text_width
from .scene import Scene
from .tag_layout import TAG_SIZE, lay_out_tags

_LETTERBOX = (225, 225, 225)


class ScenePanel:
    """Draws a scene on its image.

    Args:
        min_side: The long side of the image gets at least so many pixels.
        max_side: And at most so many.
        with_graph: Whether the graph as nodes and arrows stands below.
        max_named_arrows: Up to so many relations the arrows carry predicates,
            above it numbers only; the legend always has both.
    """

    def __init__(
        self,
        min_side: int = 760,
        max_side: int = 1024,
        with_graph: bool = False,
        max_named_arrows: int = 10,
    ) -> None:
        self.min_side = min_side
        self.max_side = max_side
        self.with_graph = with_graph
        self.max_named_arrows = max_named_arrows

    def scale_of(self, image: np.ndarray) -> float:
        """The factor from original-image pixels to pixels of the panel."""
        side = max(image.shape[:2])
        return float(np.clip(side, self.min_side, self.max_side)) / side

    def width_of(self, image: np.ndarray, scene: Scene) -> int:
        """The pixels that the image and the text of a scene need."""
        width = round(image.shape[1] * self.scale_of(image))
        return max(width, text_width(scene))

    def draw(self, image: np.ndarray, scene: Scene, width: int) -> np.ndarray:
        """Draw one panel.

        Args:
            image: (H, W, 3) RGB uint8.
            scene: What it shows.
            width: Pixels, at least :meth:`width_of`.

        Returns:
            (H', width, 3) RGB uint8.
        """
        scale = self.scale_of(image)
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        body = cv2.resize(image, size, interpolation=method)
        # a little fog, so that thin marks stand out
        body = np.round(0.82 * body + 0.18 * 255).astype(np.uint8)
        left = (width - size[0]) // 2
        right = width - size[0] - left
        body = cv2.copyMakeBorder(
            body, 0, 0, left, right, cv2.BORDER_CONSTANT, value=_LETTERBOX
        )
        offset = np.array([left, 0, left, 0])
        last = np.array([*size, *size]) - 1.0
        boxes = [
            np.clip(obj.box * scale, 0, last) + offset for obj in scene.objects
        ]
        body = self._draw_graph(body, scene, boxes)
        parts = [draw_title(scene, width), body, draw_legend(scene, width)]
        if self.with_graph:
            parts.append(_draw_nodes(scene, width))
        return np.concatenate(parts)

    def _draw_graph(
        self, body: np.ndarray, scene: Scene, boxes: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Boxes below, arrows above them, all tags on top."""
        for obj, box in zip(scene.objects, boxes, strict=True):
            width = 3 if obj.related else 1
            draw_box(body, box, class_color(obj.label), width)
        pairs = [(item.subject, item.object) for item in scene.relations]
        curves = route_arrows(boxes, pairs, limits=body.shape[1::-1])
        # the best come last and are hidden by none; hits are above misses
        order = reversed(range(len(curves)))
        for i in sorted(order, key=lambda i: bool(scene.relations[i].hit)):
            draw_arrow(body, curves[i], scene.relations[i].color)
        tags = lay_out_tags(
            scene,
            boxes,
            curves,
            (0, 0, *body.shape[1::-1]),
            self.max_named_arrows,
        )
        for tag in tags:
            if tag.line is not None:
                draw_line(body, *tag.line, tag.outline or tag.fill)
        picture = Image.fromarray(body)
        draw = ImageDraw.Draw(picture)
        for tag in tags:
            corner, size = tag.place[:2], TAG_SIZE
            draw_tag(
                draw, corner, tag.text, size, tag.fill, tag.outline, tag.bold
            )
        return np.array(picture)


def _draw_nodes(scene: Scene, width: int) -> np.ndarray:
    """The graph as nodes and arrows (H, width, 3)."""
    topk = len(scene.relations)
    nodes = draw_graph(scene.to_graph(), topk, (width, round(0.65 * width)))
    size = width, round(len(nodes) * width / nodes.shape[1])
    return cv2.resize(nodes, size, interpolation=cv2.INTER_AREA)
