"""Boxes of the user, drawn or as text: ``x1, y1, x2, y2, class`` a line."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmsgg.apis.vocabulary import numbers_of

from .limits import MAX_BOXES, MAX_TEXT, box_lines

Corners = tuple[float, float, float, float]


class UserBox(NamedTuple):
    """A box of the user."""

    corners: Corners
    """x1, y1, x2, y2 in original-image pixels, inside the image."""
    label: int | None
    """The 0-based class, None where the line names none."""


def parse_boxes(
    text: str | None,
    size: tuple[int, int],
    classes: Sequence[str],
    need_labels: bool = False,
) -> list[UserBox]:
    """Read boxes.

    Args:
        text: A line holds four numbers, in pixels of the original image, and
            may go on with a class, by name or number. Commas, blanks and
            brackets separate; empty lines are skipped.
        size: Width and height of the image; boxes are cut at its edges.
        classes: Names of the classes.
        need_labels: Whether each line must have a class.

    Returns:
        The boxes in the order of their lines.

    Raises:
        ValueError: On a line that is no box; the message is meant for the
            user and names the line.

    Examples:
        >>> parse_boxes('[1, 2, 30, 40] hat', (20, 50), ['man', 'hat'])
        [UserBox(corners=(1.0, 2.0, 20.0, 40.0), label=1)]
    """
    boxes = []
    for number, line in enumerate(box_lines(text), 1):
        words = re.sub(r'[\[\](),;\s]+', ' ', line).strip().split(' ', 4)
        if words == ['']:
            continue
        try:
            corners = _corners(words[:4], size)
            label = _label(words[4], classes) if len(words) > 4 else None
            if need_labels and label is None:
                raise ValueError('the class is missing after the numbers')
        except ValueError as error:
            raise ValueError(f'Boxes, line {number}: {error}.') from None
        boxes.append(UserBox(corners, label))
    return boxes


def boxes_before_graph(
    graph: Mapping | None,
    task: str,
    text: str | None,
    size: tuple[int, int],
    classes: Sequence[str],
) -> list[UserBox]:
    """The boxes that the page shows until there is a graph.

    The text of them may still be in the making. In sgdet it is not used.
    """
    boxes: list[UserBox] = []
    if graph is not None or task == 'sgdet':
        return boxes
    for line in (text or '')[:MAX_TEXT].splitlines()[:MAX_BOXES]:
        try:
            boxes += parse_boxes(line, size, classes)
        except ValueError:
            continue  # the message comes when the model is called
    return boxes


def format_box(corners: Sequence[float], name: str | None = None) -> str:
    """Write one box as a line of the text.

    Examples:
        >>> format_box([1, 2.25, 30, 40], 'hat')
        '1.0, 2.2, 30.0, 40.0, hat'
    """
    numbers = ', '.join(f'{value:.1f}' for value in corners)
    return f'{numbers}, {name}' if name else numbers


def drawn_corners(drawn: dict | None) -> tuple[float, ...] | None:
    """The box that was drawn last, from what a plotly figure reports.

    Args:
        drawn: ``relayoutData`` of the figure.

    Returns:
        x1, y1, x2, y2 in original-image pixels, or None where no box was
        drawn, or only a dot.
    """
    shapes = (drawn or {}).get('shapes')
    if not shapes or not shapes[-1].get('editable'):
        return None
    shape = shapes[-1]
    x1, x2 = sorted((shape['x0'], shape['x1']))
    y1, y2 = sorted((shape['y0'], shape['y1']))
    return None if x2 - x1 < 1 or y2 - y1 < 1 else (x1, y1, x2, y2)


def _corners(words: Sequence[str], size: tuple[int, int]) -> Corners:
    try:
        x1, y1, x2, y2 = map(float, words)
    except ValueError:
        raise ValueError(
            f"'{' '.join(words)}' is not four numbers x1, y1, x2, y2"
        ) from None
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError('a number is not finite')
    width, height = map(float, size)
    x1, x2, y1, y2 = (
        max(x1, 0.0),
        min(x2, width),
        max(y1, 0.0),
        min(y2, height),
    )
    if x2 - x1 < 1 or y2 - y1 < 1:
        raise ValueError(
            'the box x1, y1, x2, y2 is not 1 pixel wide and high inside the '
            f'{width:g} x {height:g} image'
        )
    return x1, y1, x2, y2


def _label(word: str, classes: Sequence[str]) -> int:
    [label] = numbers_of([int(word) if word.isdecimal() else word], classes)
    return label
