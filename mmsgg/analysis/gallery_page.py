"""One static HTML page of images and how well they are recalled."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

_STYLE = """
body { margin: 0 auto; max-width: 1500px; padding: 1rem 2rem; color: #222;
  font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; background: #f4f4f5; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
article { display: flex; gap: 1.2rem; margin: 1rem 0; padding: 1rem;
  background: #fff; border: 1px solid #ddd; border-radius: 8px; }
article > a { flex: 3; min-width: 0; } img { width: 100%; display: block; }
article > div { flex: 1; min-width: 15rem; }
h3 { margin: 0 0 .4rem; font-size: 1rem; overflow-wrap: anywhere; }
.recalls { margin: 0 0 .6rem; color: #555; }
ul { margin: 0; padding: 0; list-style: none; font-size: .9rem; }
.hit { color: #00703a; } .miss { color: #b3202f; } small { color: #777; }
@media (max-width: 900px) { article { display: block; } }
"""


class Card(NamedTuple):
    """What the page says of one image."""

    picture: str  # path from the page, with forward slashes
    name: str
    recalls: dict[str, float]
    triplets: Sequence[tuple[str, int | None]]  # words, place of the hit


def gallery_page(
    title: str, summary: str, sections: Iterable[tuple[str, Sequence[Card]]]
) -> str:
    """Write the page; it needs no script and nothing from the net.

    Args:
        title: Of the page.
        summary: A line below it.
        sections: Their headings and cards.

    Returns:
        HTML. All names are escaped.

    Examples:
        >>> card = Card('pictures/1.jpg', '<1>.jpg', {'R@20': 0.5},
        ...             [('man wears hat', 3), ('man on horse', None)])
        >>> page = gallery_page('Results', '1 image', [('Best', [card])])
        >>> '&lt;1&gt;.jpg' in page, '<1>' in page
        (True, False)
    """
    parts = [
        '<!DOCTYPE html>',
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f'<title>{escape(title)}</title>',
        f'<style>{_STYLE}</style></head><body>',
        f'<h1>{escape(title)}</h1><p>{escape(summary)}</p>',
    ]
    for heading, cards in sections:
        parts.append(f'<section><h2>{escape(heading)}</h2>')
        parts += map(_article, cards)
        parts.append('</section>')
    return '\n'.join([*parts, '</body></html>', ''])


def _article(card: Card) -> str:
    source = escape(quote(card.picture))
    recalls = ' · '.join(f'{k} {v:.3f}' for k, v in card.recalls.items())
    found = sum(place is not None for _, place in card.triplets)
    lines = '\n'.join(_line(*triplet) for triplet in card.triplets)
    return f"""<article>
<a href="{source}"><img src="{source}" alt="{escape(card.name)}"
loading="lazy"></a>
<div><h3>{escape(card.name)}</h3>
<p class="recalls">{escape(recalls)}<br>
{found} of {len(card.triplets)} annotated relations found</p>
<ul>
{lines}
</ul></div>
</article>"""


def _line(words: str, place: int | None) -> str:
    if place is None:
        return f'<li class="miss">✗ {escape(words)} <small>missed</small></li>'
    text = f'✓ {escape(words)} <small>at place {place}</small>'
    return f'<li class="hit">{text}</li>'
