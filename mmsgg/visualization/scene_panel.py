"""One panel of the picture: title, image with its graph, legend."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .drawing import (
    WHITE,
    Box,
    class_color,
    curve,
    draw_arrow,
    draw_box,
    draw_tag,
    find_room,
    tag_size,
)
from .legend import draw_legend, draw_title, text_width
from .scene import Scene

_TAG_SIZE = 13
_LETTERBOX = (225, 225, 225)
_STEPS_ASIDE = ((26, 0), (-26, 0), (0, 21), (0, -21))  # pixels


class ScenePanel:
    """Draws a scene on its image.

    Args:
        min_side: The long side of the image gets at least so many pixels.
        max_side: And at most so many.
        max_named_arrows: Up to so many relations the arrows carry predicates,
            above it numbers only; the legend always has both.
    """

    def __init__(
        self,
        min_side: int = 760,
        max_side: int = 1024,
        max_named_arrows: int = 10,
    ) -> None:
        self.min_side = min_side
        self.max_side = max_side
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
        return np.concatenate(
            [draw_title(scene, width), body, draw_legend(scene, width)]
        )

    def _draw_graph(
        self, body: np.ndarray, scene: Scene, boxes: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Boxes below, arrows above them, all tags on top."""
        for obj, box in zip(scene.objects, boxes, strict=True):
            width = 3 if obj.related else 1
            draw_box(body, box, class_color(obj.label), width)
        curves = _curves(scene, boxes, limits=body.shape[1::-1])
        # the best come last and are hidden by none; hits are above misses
        order = reversed(range(len(curves)))
        for i in sorted(order, key=lambda i: bool(scene.relations[i].hit)):
            draw_arrow(body, curves[i], scene.relations[i].color)
        picture = Image.fromarray(body)
        draw = ImageDraw.Draw(picture)
        # the heads are where tags would hurt most
        taken = [_around(points[-1], 9) for points in curves]
        _tag_objects(draw, scene, boxes, taken)
        self._tag_arrows(draw, scene, curves, taken)
        return np.array(picture)

    def _tag_arrows(
        self,
        draw: ImageDraw.ImageDraw,
        scene: Scene,
        curves: Sequence[np.ndarray],
        taken: list[Box],
    ) -> None:
        """Number each arrow; with few arrows, name the predicate too."""
        named = len(curves) <= self.max_named_arrows
        for i, relation in enumerate(scene.relations):
            texts = [f'{i + 1}']
            if named:
                texts.insert(0, f'{i + 1} {relation.predicate}')
            for text in texts:  # the longer one only where it has room
                size = tag_size(text, _TAG_SIZE, bold=True)
                corners = _along(curves[i]) - np.array(size) / 2
                place, hidden = find_room(size, corners, taken, _bounds(draw))
                if hidden == 0:
                    break
            taken.append(place)
            color = relation.color
            draw_tag(draw, place[:2], text, _TAG_SIZE, WHITE, color, bold=True)


def _tag_objects(
    draw: ImageDraw.ImageDraw,
    scene: Scene,
    boxes: Sequence[np.ndarray],
    taken: list[Box],
) -> None:
    """Name the objects at their boxes, those with relations first."""
    objects = scene.objects
    for i in sorted(range(len(objects)), key=lambda i: not objects[i].related):
        width, height = size = tag_size(objects[i].name, _TAG_SIZE)
        x1, y1, x2, y2 = boxes[i]
        corners = [
            (x, y)
            for y in (y1 - height, y1 + 2, y2 - height - 1, y2 + 1)
            for x in (x1, x2 - width, (x1 + x2 - width) / 2)
        ]
        place, _ = find_room(size, corners, taken, _bounds(draw))
        taken.append(place)
        color = class_color(objects[i].label)
        draw_tag(draw, place[:2], objects[i].name, _TAG_SIZE, color)


def _curves(
    scene: Scene, boxes: Sequence[np.ndarray], limits: Sequence[float]
) -> list[np.ndarray]:
    """A curve (P, 2) for each relation; those of one pair share theirs.

    There and back are two curves, since each bends to its left.
    """
    return [
        curve(
            *_ends(boxes[relation.subject], boxes[relation.object]),
            limits=limits,
        )
        for relation in scene.relations
    ]


def _ends(
    subject: np.ndarray, object_: np.ndarray, least: float = 60.0
) -> tuple[np.ndarray, np.ndarray]:
    """Where an arrow starts and ends: at the centres, if they are apart.

    Otherwise at the closest of some other points of both boxes that are, or
    at the two that are farthest from each other.
    """
    starts, ends = _anchors(subject), _anchors(object_)
    distance = np.linalg.norm(starts[:, None] - ends, axis=-1)  # (5, 5)
    if distance[0, 0] >= least:
        return starts[0], ends[0]
    far = distance >= least
    if far.any():
        distance = np.where(far, -distance, -np.inf)
    i, j = np.unravel_index(distance.argmax(), distance.shape)
    return starts[i], ends[j]


def _anchors(box: np.ndarray) -> np.ndarray:
    """Centre and edge centres (5, 2) of a box (4,)."""
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return np.array([(x, y), (x, y1), (x1, y), (x2, y), (x, y2)])


def _along(points: np.ndarray) -> np.ndarray:
    """Places (L, 2) for a tag: on a curve, its middle first, then beside."""
    order = np.argsort(abs(np.linspace(-1, 1, len(points))), kind='stable')
    on_curve = points[order[: int(0.8 * len(points))]]
    beside = [on_curve + step for step in _STEPS_ASIDE]
    return np.concatenate([on_curve, *beside])


def _around(point: np.ndarray, radius: float) -> Box:
    x, y = point
    return x - radius, y - radius, x + radius, y + radius


def _bounds(draw: ImageDraw.ImageDraw) -> Box:
    return 0, 0, *draw.im.size
