"""The text of a panel: its title and the list of its relations."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from .drawing import (
    BLACK,
    WHITE,
    Color,
    class_color,
    draw_tag,
    font,
    tag_size,
)
from .scene import Scene

_TITLE_HEIGHT, _LINE_HEIGHT = 30, 24
_TITLE_SIZE, _SIZE = 15, 13
_MARGIN, _GAP = 12, 6
_GREY = (110, 110, 110)


class _Word(NamedTuple):
    text: str
    color: Color
    bold: bool = False
    is_tag: bool = False

    @property
    def width(self) -> int:
        if self.is_tag:
            return tag_size(self.text, _SIZE)[0]
        return round(font(_SIZE, self.bold).getlength(self.text))


def text_width(scene: Scene) -> int:
    """The pixels that title and widest line of a scene need."""
    title = round(font(_TITLE_SIZE, True).getlength(scene.title))
    return max([title + 2 * _MARGIN, *_line_widths(scene)])


def draw_title(scene: Scene, width: int) -> np.ndarray:
    """Draw the title (30, width, 3), RGB uint8."""
    strip = Image.new('RGB', (width, _TITLE_HEIGHT), BLACK)
    ImageDraw.Draw(strip).text(
        (_MARGIN, _TITLE_HEIGHT / 2),
        scene.title,
        WHITE,
        font(_TITLE_SIZE, True),
        anchor='lm',
    )
    return np.array(strip)


def draw_legend(scene: Scene, width: int) -> np.ndarray:
    """Draw the numbered list of the relations of a scene.

    Args:
        scene: Its relations are listed in their order, down the columns.
        width: Pixels.

    Returns:
        (H, width, 3) RGB uint8, H as high as needed.
    """
    num_lines, starts = _columns(_line_widths(scene), width)
    height = num_lines * _LINE_HEIGHT + _MARGIN
    sheet = Image.new('RGB', (width, height), WHITE)
    draw = ImageDraw.Draw(sheet)
    for index in range(len(scene.relations)):
        column, line = divmod(index, num_lines)
        y = _MARGIN // 2 + line * _LINE_HEIGHT
        _draw_line(draw, starts[column] + _MARGIN, y, _line(scene, index))
    return np.array(sheet)


def _columns(widths: list[int], total: int) -> tuple[int, list[int]]:
    """Lines a column and where each column starts, as many as have room."""
    for num_columns in (3, 2, 1):
        num_lines = -(-len(widths) // num_columns)
        columns = [
            max(widths[i : i + num_lines])
            for i in range(0, len(widths), max(num_lines, 1))
        ]
        spare = total - sum(columns)
        if spare >= 0:
            break
    gap = max(spare, 0) // num_columns
    starts = [sum(columns[:i]) + i * gap for i in range(len(columns))]
    return num_lines, starts


def _line(scene: Scene, index: int) -> list[_Word]:
    """One relation in words: number, mark, subject, predicate, object."""
    relation = scene.relations[index]
    ends = [
        _Word(end.title, class_color(end.label), is_tag=True)
        for end in (
            scene.objects[relation.subject],
            scene.objects[relation.object],
        )
    ]
    words = [_Word(f'{index + 1:2d}', relation.color, bold=True)]
    if relation.hit is not None:
        mark = '\u2713' if relation.hit else '\u2717'  # check mark, cross
        words.append(_Word(mark, relation.color, bold=True))
    words += [ends[0], _Word(relation.predicate, BLACK, bold=True), ends[1]]
    if relation.score is not None:
        words.append(_Word(f'{relation.score:.2f}', _GREY))
    return words


def _line_widths(scene: Scene) -> list[int]:
    return [
        sum(word.width + _GAP for word in _line(scene, index)) + 2 * _MARGIN
        for index in range(len(scene.relations))
    ]


def _draw_line(
    draw: ImageDraw.ImageDraw, x: float, y: float, words: list[_Word]
) -> None:
    for word in words:
        if word.is_tag:
            draw_tag(draw, (x, y + 2), word.text, _SIZE, word.color)
        else:
            draw.text(
                (x, y + _LINE_HEIGHT / 2 - 0.5),
                word.text,
                word.color,
                font(_SIZE, word.bold),
                anchor='lm',
            )
        x += word.width + _GAP
