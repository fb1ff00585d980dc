"""Marks on an image: boxes, arrows and tags with text.

Images are (H, W, 3) RGB uint8 arrays, points and boxes are in their pixels.
"""

import colorsys
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from PIL import ImageDraw, ImageFont

Color = tuple[int, int, int]
Box = tuple[float, float, float, float]

WHITE, BLACK = (255, 255, 255), (25, 25, 25)
_SUBPIXEL_BITS = 4


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


def text_color(background: Color) -> Color:
    """Black or white, whichever is easier to read on a background."""
    luminance = np.dot(background, (0.299, 0.587, 0.114))
    return BLACK if luminance > 140 else WHITE


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font that comes with matplotlib, so that all machines agree."""
    weight = 'bold' if bold else 'normal'
    path = findfont(FontProperties('DejaVu Sans', weight=weight))
    return ImageFont.truetype(path, size)


def tag_size(text: str, size: int, bold: bool = False) -> tuple[int, int]:
    """Width and height in pixels of :func:`draw_tag`."""
    return round(font(size, bold).getlength(text)) + 8, size + 6


def draw_tag(
    draw: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    text: str,
    size: int,
    fill: Color,
    outline: Color | None = None,
    bold: bool = False,
) -> None:
    """Write a word on a filled rectangle with its top left at a corner."""
    x, y = corner
    width, height = tag_size(text, size, bold)
    draw.rounded_rectangle(
        (x, y, x + width - 1, y + height - 1), 4, fill, outline, 2
    )
    draw.text(
        (x + width / 2, y + height / 2 - 0.5),
        text,
        text_color(fill),
        font(size, bold),
        anchor='mm',
    )


def draw_arrow(image: np.ndarray, points: np.ndarray, color: Color) -> None:
    """Draw a curve with a head at its end, both in a white contour.

    Args:
        image: Drawn on in place.
        points: (P, 2) points of the curve.
        color: RGB.
    """
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    head = min(15.0, 0.5 * length)
    direction = points[-1] - points[-min(5, len(points))]
    direction /= max(np.linalg.norm(direction), 1e-6)
    neck = points[-1] - head * direction
    side = 0.45 * head * np.array([direction[1], -direction[0]])
    triangle = _fixed([points[-1], neck + side, neck - side])
    outside = np.linalg.norm(points - points[-1], axis=1) >= 0.8 * head
    shaft = _fixed([*points[outside], neck])
    options = dict(lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    for paint, extra in ((WHITE, 3), (color, 0)):
        cv2.polylines(image, [shaft], False, paint, 2 + extra, **options)
        if extra:
            cv2.polylines(image, [triangle], True, paint, extra, **options)
        cv2.fillPoly(image, [triangle], paint, **options)
    cv2.circle(image, shaft[0].tolist(), 4 << 4, WHITE, -1, **options)
    cv2.circle(image, shaft[0].tolist(), 3 << 4, color, -1, **options)


def draw_box(
    image: np.ndarray, box: np.ndarray, color: Color, width: int
) -> None:
    """Draw the edges of a box (4,) in place, in a white contour."""
    corners = np.round(box).astype(int).tolist()
    for paint, extra in ((WHITE, 2), (color, 0)):
        cv2.rectangle(image, corners[:2], corners[2:], paint, width + extra)


def draw_line(
    image: np.ndarray, start: np.ndarray, end: np.ndarray, color: Color
) -> None:
    """Draw a thin line between points (2,) in place, in a white contour."""
    line = _fixed([start, end])
    for paint, width in ((WHITE, 4), (color, 2)):
        cv2.polylines(
            image, [line], False, paint, width, cv2.LINE_AA, _SUBPIXEL_BITS
        )


def _fixed(points: Sequence[np.ndarray]) -> np.ndarray:
    """Points in OpenCV's fixed-point numbers."""
    scaled = np.asarray(points) * 2**_SUBPIXEL_BITS
    return np.round(scaled).astype(np.int32)
