"""What a toy picture shows."""

from dataclasses import dataclass
from functools import cached_property

from mmsgg.datasets import TOY_CLASSES

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ToyObject:
    """One object.

    Args:
        name: One of ``TOY_CLASSES``.
        box: [x1, y1, x2, y2] pixels.
        active: The state that shows: a person raises the arms, a bird spreads
            the wings, a lamp is lit. Others have none.
    """

    name: str
    box: Box
    active: bool = False

    @cached_property
    def rank(self) -> int:
        """How little of an agent it is; lower ranks are subjects."""
        return TOY_CLASSES.index(self.name)

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True)
class ToyScene:
    """One picture.

    Args:
        width: Pixels.
        height: Pixels.
        night: Whether the background is dark.
        objects: In drawing order.
    """

    width: int
    height: int
    night: bool
    objects: tuple[ToyObject, ...]
