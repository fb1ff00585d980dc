"""The most that the page takes of a browser, and where it is counted.

A request is counted before it is parsed and again before it is used, so that
no callback meets more than these numbers.
"""

from typing import Any, NamedTuple

from flask import Request

from mmsgg.visualization.graph_dict import related_ids

MAX_VALUES = 50_000
"""Entries of all lists and objects of a request; they take memory as such."""

MAX_OBJECTS, MAX_TRIPLETS = 300, 100
"""Of a graph. Labels find their places in time that grows with the square."""

MAX_BOXES = 50
"""Pairs grow with the square, and each takes time in the forward pass."""

MAX_TEXT = 10_000
"""Characters of the boxes as text, and of any other text."""

MAX_NAME = 300
"""Characters of the name of a file, an object or a predicate."""

MARGIN = 2**20
"""Bytes of a request beside the image: the graph, the boxes."""


class UploadLimits(NamedTuple):
    """The largest image that the page takes.

    Args:
        max_bytes: Bytes of the file.
        max_pixels: Width times height.
    """

    max_bytes: int = 10 * 2**20
    max_pixels: int = 25_000_000

    @property
    def max_base64(self) -> int:
        """Characters of the largest file in base64."""
        return 4 * -(-self.max_bytes // 3)

    @property
    def max_request(self) -> int:
        """Bytes of the largest request."""
        return self.max_base64 + MARGIN

    def check_bytes(self, name: str, num_bytes: int) -> None:
        """Refuse a large file.

        Raises:
            ValueError: With a message for the user.
        """
        if num_bytes > self.max_bytes:
            raise ValueError(
                f"'{name}' has {num_bytes / 2**20:.3g} MB; at most "
                f'{self.max_bytes / 2**20:.3g} MB are taken.'
            )

    def check_request(self, request: Request) -> None:
        """Refuse what asks for more than the numbers of this file.

        Args:
            request: A POST; it is parsed once, and Flask remembers.

        Raises:
            ValueError: With a message for the user.
            werkzeug.exceptions.HTTPException: On more than
                :attr:`max_request` bytes, and on what is no JSON.
        """
        data = request.get_data()
        count = sum(map(data.count, (b',', b'[', b'{')))
        _check('The request', count, MAX_VALUES, 'values')
        try:
            content = request.get_json()
        except RecursionError:
            raise ValueError('The request is nested too deeply.') from None
        most = dict(
            contents=self.max_base64 + MAX_NAME,  # data:<type>;base64,
            name=MAX_NAME,
            file_name=MAX_NAME,
            objects=MAX_OBJECTS,
            triplets=MAX_TRIPLETS,
        )
        stack = [('', content)]
        while stack:
            key, value = stack.pop()
            if isinstance(value, str):
                _check('A text', len(value), most.get(key, MAX_TEXT))
            elif isinstance(value, list):
                limit = most.get(key, MAX_VALUES)
                _check('The graph', len(value), limit, key or 'values')
                stack += [('', item) for item in value]
            elif isinstance(value, dict):
                stack += value.items()


def fitting_graph(graph: dict[str, Any]) -> dict[str, Any]:
    """Leave of a graph no more than a request may carry back.

    Related objects come first, then the most certain.

    Args:
        graph: Of :func:`mmsgg.evaluation.graph_to_dict`.
    """
    triplets = graph['triplets'][:MAX_TRIPLETS]
    related = related_ids(dict(triplets=triplets))
    ranked = sorted(
        graph['objects'],
        key=lambda item: (item['id'] in related, item['score']),
        reverse=True,
    )
    kept = {item['id'] for item in ranked[:MAX_OBJECTS]}
    objects = [item for item in graph['objects'] if item['id'] in kept]
    return dict(
        graph,
        objects=[_short_name(item) for item in objects],
        triplets=[_short_name(item) for item in triplets],
    )


def box_lines(text: str | None) -> list[str]:
    """The lines of the boxes as text, counted before they are parsed.

    Raises:
        ValueError: Where there are too many; the message is meant for the
            user.
    """
    text = text or ''
    _check('The text of the boxes', len(text), MAX_TEXT)
    lines = text.splitlines()
    count = sum(bool(line.strip()) for line in lines)
    if count > MAX_BOXES:
        raise ValueError(
            f'There are {count} boxes; at most {MAX_BOXES} are taken.'
        )
    return lines


def _check(what: str, count: int, most: int, unit: str = 'characters') -> None:
    if count > most:
        raise ValueError(
            f'{what} has {count} {unit}; at most {most} are taken.'
        )


def _short_name(item: dict[str, Any]) -> dict[str, Any]:
    name = item['name']
    return item if name is None else dict(item, name=name[:MAX_NAME])
