"""What a panel of the picture shows, ready to be drawn."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .drawing import Color

HIT, MISS, NEUTRAL = (0, 150, 70), (205, 45, 60), (30, 90, 200)
"""Colours of relations that agree with the other graph, that do not, and of
all where there is no other graph."""


class SceneObject(NamedTuple):
    """An object to draw."""

    box: np.ndarray  # (4,) original-image pixels
    label: int
    name: str
    number: int  # its row in the data sample
    related: bool  # a relation of it is drawn

    @property
    def title(self) -> str:
        """Name and number, which tell it from others of its class."""
        return f'{self.name}-{self.number}'


class SceneRelation(NamedTuple):
    """A relation to draw between two objects of the scene."""

    subject: int  # position among the objects of the scene
    object: int
    predicate: str
    score: float | None = None
    hit: bool | None = None  # None: there is nothing to compare with

    @property
    def color(self) -> Color:
        """How its arrow, tag and mark are painted."""
        if self.hit is None:
            return NEUTRAL
        return HIT if self.hit else MISS


class Scene(NamedTuple):
    """All that one panel shows."""

    title: str
    objects: Sequence[SceneObject] = ()
    relations: Sequence[SceneRelation] = ()

    def to_graph(self) -> dict[str, list[dict]]:
        """The scene as :func:`~mmsgg.visualization.draw_graph` takes it."""
        objects = [
            dict(id=o.number, label=o.label, name=o.name, box=o.box)
            for o in self.objects
        ]
        triplets = [
            dict(
                subject_id=objects[r.subject]['id'],
                object_id=objects[r.object]['id'],
                name=r.predicate,
                score=r.score,
                hit=r.hit,
            )
            for r in self.relations
        ]
        return dict(objects=objects, triplets=triplets)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples:
        >>> counted(1, 'object'), counted(0, 'object')
        ('1 object', '0 objects')
    """
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'
