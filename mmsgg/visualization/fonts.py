"""Which installed fonts draw a text; none has the characters of all scripts.

DejaVu Sans comes with matplotlib, so that all machines agree. A character that
it lacks is looked for in the families of matplotlib's setting
``font.sans-serif``, in their order, then in all other installed ones. Where
none has it, a box stands for it, and a warning says so.
"""

import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes

from .colors import Color, hex_color

FONT = 'DejaVu Sans'
_BOX = '\u25a1'
_NOT_FONTS = ('Last Resort', 'LastResort', 'Adobe Blank')  # empty glyphs


class FittedText(NamedTuple):
    """A text, and the fonts that have its characters."""

    text: str  # with a box for each character that no font has
    families: tuple[str, ...]  # for matplotlib, which tries one after another
    missing: str  # the characters that no font has


@lru_cache(maxsize=4096)
def fit_text(text: str) -> FittedText:
    """Find the fonts of a text.

    Args:
        text: One line.

    Examples:
        >>> fit_text('hat-7')
        FittedText(text='hat-7', families=('DejaVu Sans',), missing='')
    """
    missing = set(text) - _characters(_path_of(FONT))
    if not missing:
        return FittedText(text, (FONT,), '')
    families = [FONT]
    for family, path in _other_fonts():
        found = missing & _characters(path)
        if found:
            families.append(family)
            missing -= found
        if not missing:
            break
    table = str.maketrans(dict.fromkeys(missing, _BOX))
    return FittedText(
        text.translate(table), tuple(families), ''.join(sorted(missing))
    )


def draw_text(
    axes: Axes,
    point: tuple[float, float],
    text: str,
    color: Color,
    size: int,
    bold: bool = False,
    **options: Any,
) -> None:
    """Draw a line of text, and warn once a script that has no font.

    The point is at half its height, where it starts, unless ``ha`` of
    matplotlib's options says otherwise.
    """
    fitted = fit_text(text)
    for character in fitted.missing:
        _warn(unicodedata.name(character, 'unknown').split()[0])
    axes.text(
        *point,
        fitted.text,
        color=hex_color(color),
        size=size,
        family=list(fitted.families),
        weight='bold' if bold else 'normal',
        va='center',
        parse_math=False,
        **options,
    )


@cache
def _warn(script: str) -> None:
    """Say that characters, by the first word of their names, have no font."""
    warnings.warn(
        f'no installed font has some characters ({script}) of the names that '
        'are drawn: boxes stand for them. Install one that has them, such as '
        "Noto's (apt install fonts-noto-cjk, fonts-noto-core)",
        stacklevel=4,
    )


def _other_fonts() -> Iterator[tuple[str, str]]:
    """Families and files of the installed fonts, those of the setting first.

    Fonts that were installed after matplotlib made its list come last.
    """
    listed = font_manager.fontManager.ttflist
    known = list(listed)
    yield from _ranked(known)
    files = {entry.fname for entry in known}
    for path in sorted({*font_manager.findSystemFonts()} - files):
        try:
            font_manager.fontManager.addfont(path)
        # of kinds that matplotlib does not read, such as coloured bitmaps
        except Exception:
            continue
    yield from _ranked(listed[len(known) :])


def _ranked(
    entries: Sequence[font_manager.FontEntry],
) -> Iterator[tuple[str, str]]:
    """Families and files, the most suitable first."""
    preferred = mpl.rcParams['font.sans-serif']
    rank = {name: number for number, name in enumerate(preferred)}

    def key(entry: font_manager.FontEntry) -> tuple:
        return (
            rank.get(entry.name, len(rank)),
            'Sans' not in entry.name,
            entry.style != 'normal',
            abs(_weight(entry.weight) - 400),
            entry.name,
        )

    for entry in sorted(entries, key=key):
        if not entry.name.startswith(_NOT_FONTS):
            yield entry.name, entry.fname


def _weight(weight: int | str) -> int:
    """The number of a weight; normal is 400."""
    if isinstance(weight, str):
        return font_manager.weight_dict.get(weight, 400)
    return weight


@cache
def _path_of(family: str) -> str:
    return font_manager.findfont(family)


@cache
def _characters(path: str) -> frozenset[str]:
    """The characters that a font file has."""
    try:
        return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
    except (OSError, RuntimeError):  # gone or damaged since it was listed
        return frozenset()
