"""The colours of the page; an object has one in all its pictures."""

from mmsgg.visualization.colors import class_color, text_color

ACCENT = '#3b5bdb'
INK = '#1f2933'
PAPER = '#f5f7fa'
SOFT = '#616e7c'
FAINT = '#9aa5b1'


def css_color(label: int, opacity: float = 1.0) -> str:
    """The colour of a class."""
    red, green, blue = class_color(label)
    return f'rgba({red}, {green}, {blue}, {opacity:g})'


def css_text_color(label: int) -> str:
    """The colour of words upon the colour of a class."""
    return f'rgb{text_color(class_color(label))}'
