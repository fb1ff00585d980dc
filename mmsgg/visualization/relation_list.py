"""The numbered list of the relations of a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.offsetbox import HPacker, TextArea

from .colors import (
    BLACK,
    GREY,
    Color,
    class_color,
    hex_color,
    relation_color,
    text_color,
)
from .fonts import text_to_draw
from .graph_dict import Graph, name_of, title_of
from .labels import LABEL_SIZE

_LINE_HEIGHT = 24
_MARGIN, _GAP = 12, 9


class RelationList:
    """Lines with number, mark, subject, predicate, object and score.

    Args:
        graph: Its triplets are listed in their order, down the columns.
        axes: Where the list will be drawn; their unit is a pixel, as is the
            point of their figure.
    """

    def __init__(self, graph: Graph, axes: Axes) -> None:
        objects = {item['id']: item for item in graph['objects']}
        self.axes = axes
        self.lines = [
            _line(
                number,
                item,
                objects[item['subject_id']],
                objects[item['object_id']],
            )
            for number, item in enumerate(graph['triplets'], start=1)
        ]
        for line in self.lines:
            line.set_figure(axes.figure)
        renderer = RendererAgg(1, 1, dpi=axes.figure.dpi)
        widths = [line.get_bbox(renderer).width for line in self.lines]
        # of the widest line, in pixels
        self.width = int(max(widths, default=0)) + 2 * _MARGIN

    def height(self, width: int) -> int:
        """The pixels that the list needs where it has some width."""
        return self._shape(width)[1] * _LINE_HEIGHT + _MARGIN

    def draw(self, width: int) -> None:
        """Draw the list into axes of that width and the height it needs."""
        num_columns, num_lines = self._shape(width)
        top = self.height(width) - _MARGIN // 2
        for index, line in enumerate(self.lines):
            column, row = divmod(index, num_lines)
            left = column * width // num_columns + _MARGIN
            line.set_offset((left, top - row * _LINE_HEIGHT - 16))
            self.axes.add_artist(line)

    def _shape(self, width: int) -> tuple[int, int]:
        """How many columns have room, up to three, and their lines."""
        num_columns = int(np.clip(width // self.width, 1, 3))
        return num_columns, -(-len(self.lines) // num_columns)


def _line(
    number: int,
    triplet: Mapping[str, Any],
    subject: Mapping[str, Any],
    object_: Mapping[str, Any],
) -> HPacker:
    """One relation in words."""
    hit = triplet.get('hit')
    color = relation_color(hit)
    words: list[Artist] = [_word(f'{number:2d}', color, bold=True)]
    if hit is not None:
        mark = '\u2713' if hit else '\u2717'  # check mark, cross
        words.append(_word(mark, color, bold=True))
    words += [
        _title(subject),
        _word(name_of(triplet), BLACK, bold=True),
        _title(object_),
    ]
    if triplet.get('score') is not None:
        words.append(_word(f'{triplet["score"]:.2f}', GREY))
    return HPacker(children=words, pad=0, sep=_GAP, align='baseline')


def _title(item: Mapping[str, Any]) -> TextArea:
    """An object, on the colour of its class."""
    color = class_color(item['label'])
    ground = dict(
        boxstyle='round,pad=0.25', facecolor=hex_color(color), linewidth=0
    )
    return _word(title_of(item), text_color(color), bbox=ground)


def _word(
    text: str, color: Color, bold: bool = False, **kwargs: Any
) -> TextArea:
    fitted = text_to_draw(text)
    style = dict(
        color=hex_color(color),
        size=LABEL_SIZE,
        family=list(fitted.families),
        weight='bold' if bold else 'normal',
        parse_math=False,
        **kwargs,
    )
    return TextArea(fitted.text, textprops=style)
