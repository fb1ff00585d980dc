"""Colours of classes, of relations and of text, RGB from 0 to 255."""

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

Color = tuple[int, int, int]

WHITE, BLACK, GREY = (255, 255, 255), (25, 25, 25), (110, 110, 110)
HIT, MISS, NEUTRAL = (0, 150, 70), (205, 45, 60), (30, 90, 200)
"""Colours of relations that agree with the other graph, that do not, and of
all where there is no other graph."""

_CLEAR = 32.0  # between colours in CIELAB that nobody takes for one another
_PALETTE = 48


def class_color(label: int) -> Color:
    """The colour of a class, always the same; neighbours differ clearly.

    Args:
        label: 0-based class.

    Returns:
        RGB.

    Examples:
        >>> class_color(0)
        (230, 92, 0)
    """
    hue = (0.0667 + 0.618034 * label) % 1  # golden section of the circle
    value = (0.9, 0.7, 1.0)[label // 8 % 3]
    saturation = (1.0, 0.6)[label // 24 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def color_classes(labels: Iterable[int]) -> dict[int, Color]:
    """Colours of the classes of one picture, which differ clearly.

    A class has its :func:`class_color`, unless that is close to the one of a
    class with a lower number in the picture; it then gets the colour of the
    palette that is farthest from all others.

    Args:
        labels: 0-based classes, in any order, each as often as it likes.

    Returns:
        RGB by label.

    Examples:
        >>> class_color(0), class_color(8)
        ((230, 92, 0), (178, 12, 0))
        >>> color_classes([8, 0])
        {0: (230, 92, 0), 8: (0, 5, 255)}
    """
    colors: dict[int, Color] = {}
    taken = np.empty((0, 3))
    palette = [class_color(number) for number in range(_PALETTE)]
    close = []
    for label in sorted(set(labels)):
        color = class_color(label)
        if _gaps([color], taken).min() < _CLEAR:
            close.append(label)
        else:
            colors[label] = color
            taken = np.vstack([taken, _lab([color])])
    for label in close:
        colors[label] = color = palette[_gaps(palette, taken).argmax()]
        taken = np.vstack([taken, _lab([color])])
    return dict(sorted(colors.items()))


def color_of(item: Mapping[str, Any]) -> Color:
    """The colour that an object of a graph was given, else its class's."""
    return item.get('color') or class_color(item['label'])


def relation_color(hit: bool | None) -> Color:
    """The colour of a relation.

    Args:
        hit: Whether it agrees with the other graph; None where there is none.
    """
    if hit is None:
        return NEUTRAL
    return HIT if hit else MISS


def text_color(background: Color) -> Color:
    """Black or white, whichever is easier to read on a background."""
    luminance = np.dot(background, (0.299, 0.587, 0.114))
    return BLACK if luminance > 140 else WHITE


def hex_color(color: Color) -> str:
    """The colour as matplotlib and Graphviz take it.

    Examples:
        >>> hex_color((230, 92, 0))
        '#e65c00'
    """
    return '#{:02x}{:02x}{:02x}'.format(*color)


def _gaps(colors: Sequence[Color], taken: np.ndarray) -> np.ndarray:
    """(C,) from each colour to the nearest of others (T, 3) in CIELAB."""
    apart = np.linalg.norm(_lab(colors)[:, None] - taken, axis=-1)
    return apart.min(1, initial=np.inf)


def _lab(colors: Sequence[Color]) -> np.ndarray:
    """(C, 3) lightness 0 to 100, and the two opponent colours."""
    pixels = np.array(colors, np.float32)[None] / 255
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[0]
