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
    related: bool  # a relation of it is drawn


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
