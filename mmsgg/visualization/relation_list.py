"""The numbered list of the relations of a picture."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from .colors import (
    BLACK,
    GREY,
    Color,
    color_of,
    hex_color,
    relation_color,
    text_color,
)
from .fonts import draw_text
from .graph_dict import Graph, name_of, title_of
from .labels import LABEL_SIZE, text_size

_LINE_HEIGHT = 24
_MARGIN, _GAP = 12, 5


class _Word(NamedTuple):
    """A part of a line; ``ground`` is the colour of what it stands on."""

    text: str
    color: Color
    bold: bool = False
    ground: Color | None = None

    @property
    def width(self) -> int:
        """In pixels, with the margins of a label."""
        return text_size(self.text, bold=self.bold)[0]


class RelationList:
    """Lines with number, mark, subject, predicate, object and score.

    Args:
        graph: Its triplets are listed in their order, down the columns.
    """

    def __init__(self, graph: Graph) -> None:
        objects = {item['id']: item for item in graph['objects']}
        self.lines = [
            _line(
                number,
                item,
                objects[item['subject_id']],
                objects[item['object_id']],
            )
            for number, item in enumerate(graph['triplets'], start=1)
        ]
        widths = [
            sum(word.width + _GAP for word in line) for line in self.lines
        ]
        # of the widest line, in pixels
        self.width = max(widths, default=0) + 2 * _MARGIN

    def height(self, width: int) -> int:
        """The pixels that the list needs where it has some width."""
        return self._shape(width)[1] * _LINE_HEIGHT + _MARGIN

    def draw(self, axes: Axes, width: int, top: int = 0) -> None:
        """Draw the list.

        Args:
            axes: Their unit is a pixel, as is the point of their figure.
            width: That the list has; the height is :meth:`height`.
            top: Where it starts.
        """
        num_columns, num_lines = self._shape(width)
        for index, line in enumerate(self.lines):
            column, row = divmod(index, num_lines)
            x = column * width // num_columns + _MARGIN
            y = top + _MARGIN // 2 + (row + 0.5) * _LINE_HEIGHT
            for word in line:
                ground = word.ground and dict(
                    boxstyle='round,pad=0.25',
                    facecolor=hex_color(word.ground),
                    linewidth=0,
                )
                draw_text(
                    axes,
                    (x + word.width / 2, y),
                    word.text,
                    word.color,
                    LABEL_SIZE,
                    word.bold,
                    ha='center',
                    bbox=ground,
                )
                x += word.width + _GAP

    def _shape(self, width: int) -> tuple[int, int]:
        """How many columns have room, up to three, and their lines."""
        num_columns = int(np.clip(width // self.width, 1, 3))
        return num_columns, -(-len(self.lines) // num_columns)


def _line(
    number: int,
    triplet: Mapping[str, Any],
    subject: Mapping[str, Any],
    object_: Mapping[str, Any],
) -> list[_Word]:
    """One relation in words."""
    hit = triplet.get('hit')
    color = relation_color(hit)
    words = [_Word(f'{number:2d}', color, bold=True)]
    if hit is not None:
        mark = '\u2713' if hit else '\u2717'  # check mark, cross
        words.append(_Word(mark, color, bold=True))
    words += [
        _title(subject),
        _Word(name_of(triplet), BLACK, bold=True),
        _title(object_),
    ]
    if triplet.get('score') is not None:
        words.append(_Word(f'{triplet["score"]:.2f}', GREY))
    return words


def _title(item: Mapping[str, Any]) -> _Word:
    """An object, on the colour of its class."""
    color = color_of(item)
    return _Word(title_of(item), text_color(color), ground=color)
