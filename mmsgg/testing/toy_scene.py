"""A toy scene, and which relations hold in it: the one place of their truth.

A pair is annotated in one direction. Its subject is the more agent-like of
the two classes, of equal ones the left object. Then, the first rule that
applies:

1. *reach*: boxes farther apart than 0.9 of their mean side are unrelated;
2. *contact*: overlapping boxes are 'on' (a thing on a support), 'holding'
   and 'near' (a person and a thing), else 'near';
3. *appearance* of the subject: a person with raised arms is 'waving at', a
   bird with spread wings 'flying over', a lit lamp 'lighting';
4. *context*: a dog is 'chasing' what moves, but 'guarding' it by night;
5. *geometry*: 'beside' where the boxes lie side by side, 'above' or 'below'
   where one is over the other, 'near' where they are diagonal.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from mmsgg.datasets import TOY_CLASSES

#: The largest gap of a related pair, in mean box sides.
REACH = 0.9

LOADS = frozenset({'bird', 'lamp', 'ball', 'cup', 'box'})
SUPPORTS = frozenset({'car', 'table'})
HELD = frozenset({'kite', 'ball', 'cup'})
CHASED = frozenset({'bird', 'kite', 'ball', 'car'})
STATES = {'person': 'waving at', 'bird': 'flying over', 'lamp': 'lighting'}

Relation = tuple[int, int, str]
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
    """What a picture shows.

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


def relations_of(scene: ToyScene) -> list[Relation]:
    """List what holds in a picture.

    Returns:
        (subject, object, predicate), objects by their numbers; a pair with
        several predicates comes several times.
    """
    relations: list[Relation] = []
    numbered = enumerate(scene.objects)
    for (i, first), (j, second) in combinations(numbered, 2):
        if is_subject(second, first):
            i, j, first, second = j, i, second, first
        relations += [
            (i, j, predicate)
            for predicate in predicates_of(first, second, scene.night)
        ]
    return relations


def is_subject(first: ToyObject, second: ToyObject) -> bool:
    """Say whether the first of two objects is the subject."""
    if first.rank != second.rank:
        return first.rank < second.rank
    return first.box[0] + first.box[2] < second.box[0] + second.box[2]


def predicates_of(
    subject: ToyObject, obj: ToyObject, night: bool
) -> tuple[str, ...]:
    """Name the predicates of a pair, none if it is unrelated."""
    gap_x, gap_y = gaps(subject, obj)
    if max(gap_x, gap_y) > REACH * mean_side(subject, obj):
        return ()
    if gap_x < 0 and gap_y < 0:
        if subject.name in LOADS and obj.name in SUPPORTS:
            return ('on',)
        if subject.name == 'person' and obj.name in HELD:
            return 'holding', 'near'
        return ('near',)
    if subject.active:
        return (STATES[subject.name],)
    if subject.name == 'dog' and obj.name in CHASED:
        return ('guarding',) if night else ('chasing',)
    return (_direction(subject, obj, gap_x, gap_y),)


def _direction(
    subject: ToyObject, obj: ToyObject, gap_x: float, gap_y: float
) -> str:
    if gap_x >= 0 and gap_y >= 0:
        return 'near'
    if gap_x >= 0:
        return 'beside'
    return 'above' if subject.box[1] < obj.box[1] else 'below'


def gaps(first: ToyObject, second: ToyObject) -> tuple[float, float]:
    """Measure the free space between two boxes in x and in y.

    Returns:
        Pixels; negative where their projections overlap.
    """
    ax1, ay1, ax2, ay2 = first.box
    bx1, by1, bx2, by2 = second.box
    return max(ax1, bx1) - min(ax2, bx2), max(ay1, by1) - min(ay2, by2)


def mean_side(first: ToyObject, second: ToyObject) -> float:
    """Average the four sides of two boxes."""
    sides = first.width + first.height + second.width + second.height
    return sides / 4


def is_clear(first: ToyObject, second: ToyObject) -> bool:
    """Say whether two objects are far from every decision of the rules.

    Overlapping boxes are not: contact is made on purpose only.
    """
    gap_x, gap_y = gaps(first, second)
    gap = max(gap_x, gap_y)
    if gap < 0:
        return False
    side = mean_side(first, second)
    if gap < 0.14 * side or abs(gap - REACH * side) < 0.08 * side:
        return False
    if gap < REACH * side and min(abs(gap_x), abs(gap_y)) < 0.1 * side:
        return False
    if first.rank == second.rank:
        shift = first.box[0] + first.box[2] - second.box[0] - second.box[2]
        return abs(shift) > 0.4 * side
    return True
