"""Where the tags of a picture find room, so that none hides another."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .drawing import WHITE, Box, Color, class_color, tag_size
from .scene import Scene, SceneObject

TAG_SIZE = 13
_GRID = 6  # pixels between the places that are tried last
_BESIDE = 4.0  # pixels between a curve and a tag beside it
_MOST_HIDDEN = 0.6  # part of a curve that a tag may hide
_TOUCH = 8.0  # pixels: a tag so close needs no line to what it names


class Tag(NamedTuple):
    """A word on a coloured ground and, where it stands apart, a line."""

    place: Box
    text: str
    fill: Color
    outline: Color | None = None
    bold: bool = False
    line: tuple[np.ndarray, np.ndarray] | None = None  # from, to: (2,) each


def lay_out_tags(
    scene: Scene,
    boxes: Sequence[np.ndarray],
    curves: Sequence[np.ndarray],
    bounds: Box,
    max_named_arrows: int = 10,
) -> list[Tag]:
    """Find a place for the tags of a scene.

    No tag overlaps another or leaves the bounds. One that finds no room at
    what it names moves away and gets a line to it; where the full text fits
    nowhere, its number is tried, and where there is no room for that either
    the tag is left out. Objects with relations come first, then arrows, then
    the other objects. Ends of arrows are kept free where possible.

    Args:
        scene: What is drawn.
        boxes: (4,) of each object, in pixels of the picture.
        curves: (P, 2) of each relation.
        bounds: The box that no tag leaves.
        max_named_arrows: Up to so many relations the arrows carry
            predicates, above it numbers only.

    Returns:
        The tags, none for what found no room.
    """
    heads = [_around(points[-1], 9) for points in curves]
    starts = [_around(points[0], 5) for points in curves]
    room = TagRoom(bounds, heads + starts)
    objects = list(zip(scene.objects, boxes, strict=True))
    related = [item for item in objects if item[0].related]
    loose = [item for item in objects if not item[0].related]
    tags = [_object_tag(room, *item) for item in related]
    named = len(curves) <= max_named_arrows
    for i, (relation, points) in enumerate(
        zip(scene.relations, curves, strict=True), start=1
    ):
        texts = [f'{i} {relation.predicate}'] if named else []
        tags.append(arrow_tag(room, [*texts, f'{i}'], points, relation.color))
    tags += [_object_tag(room, *item) for item in loose]
    return [tag for tag in tags if tag is not None]


class TagRoom:
    """The room that is left for tags.

    Args:
        bounds: The box that no tag leaves.
        avoided: Boxes that a tag covers only where it must.
    """

    def __init__(self, bounds: Box, avoided: Sequence[Box] = ()) -> None:
        self.bounds = bounds
        self.avoided = np.asarray(avoided, np.float64).reshape(-1, 4)
        self.taken: list[Box] = []

    def take(
        self,
        size: tuple[float, float],
        corners: Iterable[tuple[float, float]],
    ) -> Box | None:
        """Take the best of some places that hides no other tag.

        Args:
            size: Width and height of the tag.
            corners: Where its top left may be, the best first; they are
                moved into the bounds.

        Returns:
            The place; None where all are taken or the bounds are too small.

        Examples:
            >>> room = TagRoom((0, 0, 100, 100))
            >>> room.take((30, 10), [(5, 5), (50, 50)])
            (5.0, 5.0, 35.0, 15.0)
            >>> room.take((30, 10), [(5, 5), (50, 50)])
            (50.0, 50.0, 80.0, 60.0)
            >>> room.take((30, 10), [(5, 5), (50, 50)]) is None
            True
        """
        x1, y1, x2, y2 = self.bounds
        last = np.array([x2, y2]) - size
        if (last < (x1, y1)).any():
            return None
        corners = np.asarray(list(corners), np.float64).clip((x1, y1), last)
        places = np.concatenate([corners, corners + size], axis=1)  # (C, 4)
        free = _overlap(places, np.reshape(self.taken, (-1, 4))) == 0
        if not free.any():
            return None
        hidden = _overlap(places[free], self.avoided)
        place = tuple(places[free][hidden.argmin()].tolist())
        self.taken.append(place)
        return place

    def take_near(
        self, size: tuple[float, float], point: np.ndarray
    ) -> Box | None:
        """Take the place nearest to a point (2,) that hides no other tag."""
        x1, y1, x2, y2 = self.bounds
        grid = np.meshgrid(np.arange(x1, x2, _GRID), np.arange(y1, y2, _GRID))
        corners = np.stack(grid, axis=-1).reshape(-1, 2)
        distance = np.linalg.norm(corners + np.divide(size, 2) - point, axis=1)
        return self.take(size, corners[distance.argsort(kind='stable')])


def arrow_tag(
    room: TagRoom, texts: Sequence[str], points: np.ndarray, color: Color
) -> Tag | None:
    """Put a text on an arrow, or near it with a line to it.

    Args:
        room: The room that is left.
        texts: The longest first; all but the last one only where they have
            room on the arrow or beside it.
        points: (P, 2) of the arrow.
        color: Of the arrow.

    Returns:
        The tag; None where there is no room for any text.
    """
    for text in texts:
        size = tag_size(text, TAG_SIZE, bold=True)
        place = room.take(size, _along(points, size))
        if place is None and text == texts[-1]:
            place = room.take_near(size, points[len(points) // 2])
        if place is not None:
            line = _line(place, _nearest_point(place, points))
            return Tag(place, text, WHITE, color, bold=True, line=line)
    return None


def _object_tag(
    room: TagRoom, obj: SceneObject, box: np.ndarray
) -> Tag | None:
    """Name an object at its box."""
    for text in (obj.title, str(obj.number)):
        width, height = size = tag_size(text, TAG_SIZE)
        x1, y1, x2, y2 = box
        corners = [
            (x, y)
            for y in (y1 - height, y1 + 2, y2 - height - 1, y2 + 1)
            for x in (x1, x2 - width, (x1 + x2 - width) / 2)
        ]
        corners += [
            (x, y)
            for y in np.arange(y1, y2 - height, height)
            for x in (x1 - width, x1, x2 - width, x2)
        ]
        place = room.take(size, corners)
        if place is None:
            place = room.take_near(size, (box[:2] + box[2:]) / 2)
        if place is not None:
            line = _line(place, _nearest_in_box(place, box))
            return Tag(place, text, class_color(obj.label), line=line)
    return None


def _along(points: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Corners (L, 2) for a tag on a curve or beside it, the best first.

    On it from its middle on; beside it on the outer side, then the inner.
    A curve of which the tag would hide most has it beside.
    """
    order = np.argsort(abs(np.linspace(-1, 1, len(points))), kind='stable')
    on_curve = points[order[: int(0.8 * len(points))]]
    way = points[-1] - points[0]
    length = np.linalg.norm(way)
    way = way / max(length, 1e-6)
    outward = np.array([way[1], -way[0]])  # curves bend to their left
    shift = (abs(outward) @ np.divide(size, 2) + _BESIDE) * outward
    places = [on_curve, on_curve + shift, on_curve - shift]
    if abs(way) @ np.asarray(size) > _MOST_HIDDEN * length:
        places = [*places[1:], places[0]]
    return np.concatenate(places) - np.divide(size, 2)


def _line(
    place: Box, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """A line from a tag to what it names, unless they touch."""
    start = target.clip(place[:2], place[2:])
    apart = np.linalg.norm(target - start) > _TOUCH
    return (start, target) if apart else None


def _nearest_in_box(place: Box, box: np.ndarray) -> np.ndarray:
    """The point (2,) of a box that is nearest to the middle of a place."""
    middle = (np.array(place[:2]) + place[2:]) / 2
    return middle.clip(box[:2], box[2:])


def _nearest_point(place: Box, points: np.ndarray) -> np.ndarray:
    """The one of some points (P, 2) that is nearest to a place."""
    inside = points.clip(place[:2], place[2:])
    return points[np.linalg.norm(points - inside, axis=1).argmin()]


def _around(point: np.ndarray, radius: float) -> Box:
    x, y = point
    return x - radius, y - radius, x + radius, y + radius


def _overlap(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(C,) area that each place (C, 4) shares with others (T, 4)."""
    low = np.maximum(places[:, None, :2], others[:, :2])
    high = np.minimum(places[:, None, 2:], others[:, 2:])
    return (high - low).clip(0).prod(-1).sum(1)
