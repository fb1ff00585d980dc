"""Draw toy pictures with OpenCV."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from .toy_scene import Box, ToyObject, ToyScene

#: Shapes are drawn this much larger and averaged down, for smooth edges.
_ZOOM = 4

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Pen:
    """Draws in the unit square of one object's box.

    Args:
        canvas: (H, W, 3) uint8 BGR, zoomed.
        box: The object's box in pixels of the final picture.
        tint: (3,) added to every colour.
    """

    def __init__(self, canvas: np.ndarray, box: Box, tint: np.ndarray) -> None:
        self.canvas = canvas
        self.origin = np.array(box[:2]) * _ZOOM
        self.size = np.array([box[2] - box[0], box[3] - box[1]]) * _ZOOM
        self.tint = tint

    def _pixels(self, points: Sequence[Point]) -> np.ndarray:
        return np.rint(self.origin + np.array(points) * self.size).astype(int)

    def _colour(self, colour: Colour) -> Colour:
        return tuple(np.clip(self.tint + colour, 0, 255).tolist())

    def polygon(self, colour: Colour, *points: Point) -> None:
        """Fill a convex or concave polygon."""
        cv2.fillPoly(self.canvas, [self._pixels(points)], self._colour(colour))

    def rectangle(
        self, colour: Colour, x1: float, y1: float, x2: float, y2: float
    ) -> None:
        """Fill a rectangle."""
        self.polygon(colour, (x1, y1), (x2, y1), (x2, y2), (x1, y2))

    def ellipse(
        self, colour: Colour, x: float, y: float, rx: float, ry: float
    ) -> None:
        """Fill an ellipse around (x, y)."""
        (centre,) = self._pixels([(x, y)]).tolist()
        radii = np.rint(self.size * (rx, ry)).astype(int).tolist()
        cv2.ellipse(
            self.canvas, centre, radii, 0, 0, 360, self._colour(colour), -1
        )

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        """Draw connected strokes, ``width`` in parts of the shorter side."""
        cv2.polylines(
            self.canvas,
            [self._pixels(points)],
            False,
            self._colour(colour),
            max(int(width * self.size.min()), 1),
        )


def _person(pen: Pen, active: bool) -> None:
    skin, shirt, trousers = (150, 190, 240), (220, 90, 30), (150, 100, 80)
    if active:
        pen.line(skin, 0.14, (0.40, 0.42), (0.1, 0.08))
        pen.line(skin, 0.14, (0.60, 0.42), (0.9, 0.08))
        pen.ellipse(skin, 0.1, 0.08, 0.1, 0.08)
        pen.ellipse(skin, 0.9, 0.08, 0.1, 0.08)
        left, right = 0.3, 0.7
    else:
        pen.line(skin, 0.18, (0.3, 0.32), (0.1, 0.6))
        pen.line(skin, 0.18, (0.7, 0.32), (0.9, 0.6))
        left, right = 0.2, 0.8
    pen.rectangle(trousers, left, 0.6, 0.46, 1)
    pen.rectangle(trousers, 0.54, 0.6, right, 1)
    pen.rectangle(shirt, left, 0.28, right, 0.66)
    pen.ellipse(skin, 0.5, 0.15, (right - left) / 2.2, 0.15)


def _dog(pen: Pen, active: bool) -> None:
    fur, dark = (40, 75, 130), (20, 35, 70)
    pen.line(fur, 0.14, (0.8, 0.5), (0.95, 0.2))
    for x in (0.2, 0.34, 0.66, 0.8):
        pen.rectangle(fur, x - 0.06, 0.6, x + 0.06, 1)
    pen.ellipse(fur, 0.52, 0.55, 0.36, 0.22)
    pen.ellipse(fur, 0.2, 0.28, 0.2, 0.24)
    pen.polygon(dark, (0.22, 0), (0.4, 0.05), (0.36, 0.4))
    pen.ellipse(dark, 0.04, 0.32, 0.05, 0.07)


def _bird(pen: Pen, active: bool) -> None:
    body, wing, beak = (210, 200, 40), (150, 120, 10), (30, 150, 250)
    if active:
        pen.polygon(wing, (0, 0), (0.48, 0.45), (0.4, 0.85))
        pen.polygon(wing, (1, 0), (0.52, 0.45), (0.6, 0.85))
        pen.ellipse(body, 0.5, 0.66, 0.16, 0.34)
        pen.polygon(beak, (0.46, 0.5), (0.54, 0.5), (0.5, 0.8))
        return
    pen.polygon(beak, (0, 0.3), (0.25, 0.18), (0.25, 0.42))
    pen.ellipse(body, 0.58, 0.6, 0.42, 0.4)
    pen.ellipse(body, 0.35, 0.28, 0.24, 0.28)
    pen.ellipse(wing, 0.68, 0.6, 0.22, 0.18)


def _lamp(pen: Pen, active: bool) -> None:
    metal, off, light = (110, 110, 110), (85, 75, 85), (60, 240, 255)
    if active:
        pen.ellipse((160, 250, 255), 0.5, 0.34, 0.5, 0.34)
        pen.polygon(light, (0.3, 0.06), (0.7, 0.06), (0.86, 0.5), (0.14, 0.5))
    else:
        pen.polygon(off, (0.25, 0), (0.75, 0), (1, 0.42), (0, 0.42))
    pen.rectangle(metal, 0.44, 0.42, 0.56, 0.95)
    pen.rectangle(metal, 0.22, 0.9, 0.78, 1)


def _kite(pen: Pen, active: bool) -> None:
    purple, pink = (170, 30, 130), (220, 130, 250)
    pen.line(
        (125, 125, 125), 0.07, (0.5, 0.7), (0.4, 0.82), (0.6, 0.9), (0.5, 1)
    )
    pen.polygon(purple, (0.5, 0), (1, 0.34), (0.5, 0.75), (0, 0.34))
    pen.polygon(pink, (0.5, 0), (1, 0.34), (0.5, 0.34))
    pen.polygon(pink, (0.5, 0.75), (0, 0.34), (0.5, 0.34))


def _ball(pen: Pen, active: bool) -> None:
    pen.ellipse((30, 30, 220), 0.5, 0.5, 0.5, 0.5)
    pen.ellipse((240, 240, 240), 0.5, 0.5, 0.2, 0.49)
    pen.ellipse((30, 30, 220), 0.5, 0.5, 0.08, 0.45)


def _cup(pen: Pen, active: bool) -> None:
    china, rim = (250, 250, 250), (150, 60, 160)
    pen.ellipse(china, 0.76, 0.5, 0.24, 0.28)
    pen.ellipse((120, 120, 120), 0.78, 0.5, 0.12, 0.14)
    pen.polygon(china, (0, 0), (0.76, 0), (0.64, 1), (0.12, 1))
    pen.rectangle(rim, 0, 0, 0.76, 0.2)


def _box(pen: Pen, active: bool) -> None:
    card, tape = (60, 150, 230), (30, 100, 170)
    pen.rectangle(card, 0, 0, 1, 1)
    pen.rectangle(tape, 0.4, 0, 0.6, 1)
    pen.rectangle(tape, 0, 0.4, 1, 0.6)


def _car(pen: Pen, active: bool) -> None:
    paint, glass, tyre = (120, 20, 220), (235, 220, 190), (25, 25, 25)
    pen.polygon(paint, (0.18, 0.5), (0.3, 0), (0.72, 0), (0.86, 0.5))
    pen.polygon(glass, (0.27, 0.42), (0.35, 0.1), (0.67, 0.1), (0.77, 0.42))
    pen.rectangle(paint, 0, 0.4, 1, 0.82)
    for x in (0.24, 0.76):
        pen.ellipse(tyre, x, 0.78, 0.12, 0.22)


def _table(pen: Pen, active: bool) -> None:
    wood, leg = (45, 80, 150), (50, 75, 125)
    for x in (0.06, 0.82):
        pen.rectangle(leg, x, 0.2, x + 0.12, 1)
    pen.rectangle(wood, 0, 0, 1, 0.32)


def _tree(pen: Pen, active: bool) -> None:
    leaves, trunk = (30, 120, 20), (45, 75, 115)
    pen.rectangle(trunk, 0.4, 0.5, 0.6, 1)
    pen.ellipse(leaves, 0.5, 0.22, 0.34, 0.22)
    pen.ellipse(leaves, 0.28, 0.48, 0.28, 0.2)
    pen.ellipse(leaves, 0.72, 0.48, 0.28, 0.2)


def _house(pen: Pen, active: bool) -> None:
    wall, roof, door = (170, 215, 245), (45, 50, 150), (60, 90, 60)
    pen.polygon(roof, (0.5, 0), (1, 0.42), (0, 0.42))
    pen.rectangle(wall, 0.08, 0.4, 0.92, 1)
    pen.rectangle(door, 0.42, 0.62, 0.62, 1)
    pen.rectangle((220, 170, 90), 0.17, 0.5, 0.35, 0.68)
    pen.rectangle((220, 170, 90), 0.68, 0.5, 0.86, 0.68)


_SHAPES: dict[str, Callable[[Pen, bool], None]] = {
    'person': _person,
    'dog': _dog,
    'bird': _bird,
    'lamp': _lamp,
    'kite': _kite,
    'ball': _ball,
    'cup': _cup,
    'box': _box,
    'car': _car,
    'table': _table,
    'tree': _tree,
    'house': _house,
}
_SKY = {False: (235, 215, 190), True: (70, 35, 25)}
_GROUND = {False: (170, 205, 190), True: (50, 45, 35)}


def render(scene: ToyScene, rng: np.random.Generator) -> np.ndarray:
    """Draw a scene.

    Args:
        scene: What to draw.
        rng: Source of hues and noise.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    shape = (scene.height * _ZOOM, scene.width * _ZOOM)
    canvas = _background(shape, scene.night, rng)
    for thing in scene.objects:
        draw(canvas, thing, rng)
    image = cv2.resize(
        canvas, (scene.width, scene.height), interpolation=cv2.INTER_AREA
    )
    noise = rng.integers(-5, 6, image.shape, dtype=np.int16)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def draw(
    canvas: np.ndarray, thing: ToyObject, rng: np.random.Generator
) -> None:
    """Draw one object on a zoomed canvas."""
    pen = Pen(canvas, thing.box, rng.integers(-18, 19, 3))
    _SHAPES[thing.name](pen, thing.active)


def _background(
    shape: tuple[int, int], night: bool, rng: np.random.Generator
) -> np.ndarray:
    """Fade from a sky to a ground colour; by night, with stars."""
    ends = np.array([_SKY[night], _GROUND[night]], dtype=np.float32)
    ends += rng.integers(-12, 13, (2, 3))
    fade = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    column = ends[0] * (1 - fade) + ends[1] * fade
    canvas = np.repeat(column.astype(np.uint8)[:, None], shape[1], axis=1)
    if night:
        for x, y in rng.random((12, 2)) * shape[::-1] * (1, 0.6):
            cv2.circle(canvas, (int(x), int(y)), 3, (200, 200, 200), -1)
    return canvas
