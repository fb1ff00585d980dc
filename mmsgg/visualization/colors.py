"""Colours of classes, of relations and of text, RGB from 0 to 255."""

import colorsys

import numpy as np

Color = tuple[int, int, int]

WHITE, BLACK, GREY = (255, 255, 255), (25, 25, 25), (110, 110, 110)
HIT, MISS, NEUTRAL = (0, 150, 70), (205, 45, 60), (30, 90, 200)
"""Colours of relations that agree with the other graph, that do not, and of
all where there is no other graph."""


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
