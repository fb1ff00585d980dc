"""Draw toy pictures by lot: which objects, how large, where."""

import numpy as np

from .toy_scene import (
    HELD,
    LOADS,
    REACH,
    SUPPORTS,
    Box,
    ToyObject,
    ToyScene,
    gaps,
    is_clear,
    mean_side,
)

#: Of each class: how often (relative), shorter and longer width in pixels of
#: a picture of nominal size, height / width.
_CLASSES = {
    'person': (2.6, 16, 21, 2.35),
    'dog': (1.3, 28, 37, 0.75),
    'bird': (1.5, 21, 28, 0.9),
    'lamp': (1.1, 19, 26, 1.8),
    'kite': (0.9, 22, 29, 1.4),
    'ball': (1.2, 20, 28, 1.0),
    'cup': (0.9, 20, 27, 0.95),
    'box': (0.8, 25, 35, 0.9),
    'car': (0.9, 38, 50, 0.5),
    'table': (0.9, 38, 50, 0.55),
    'tree': (0.8, 27, 34, 1.5),
    'house': (0.6, 36, 46, 0.95),
}
#: Active objects have wings or arms spread, thus another outline.
_ACTIVE_CLASSES = {
    'person': (0.3, 30, 38, 1.35),
    'bird': (0.45, 34, 45, 0.5),
    'lamp': (0.35, 26, 34, 1.35),
}
_NAMES = tuple(_CLASSES)
_NAME_ODDS = np.cumsum([row[0] for row in _CLASSES.values()])
#: How many objects are tried, from 0 on; some find no room.
_COUNT_ODDS = np.cumsum([1, 2, 3, 6, 12, 22, 24, 18, 14])
_NOMINAL_SIZE = 144
_NIGHT = 0.4
_SPARSE = 0.03


class ToySceneSampler:
    """Samples scenes whose relations are clear.

    Args:
        rng: Source of all randomness.
        image_size: Typical longer side in pixels; the sides vary by a tenth
            around it, and the objects grow with it.
    """

    def __init__(
        self, rng: np.random.Generator, image_size: int = _NOMINAL_SIZE
    ) -> None:
        self.rng = rng
        self.image_size = image_size

    def sample(self) -> ToyScene:
        """Draw one scene, now and then an empty or an unrelated one."""
        longer = int(self.image_size * self.rng.uniform(0.9, 1.1))
        shorter = int(longer * self.rng.uniform(0.72, 0.9))
        sides = (longer, shorter)
        self.width, self.height = sides if self._chance(0.6) else sides[::-1]
        self.sparse = self._chance(_SPARSE)
        self.objects: list[ToyObject] = []
        count = self._pick(_COUNT_ODDS)
        for _ in range(min(count, 3) if self.sparse else count):
            self._add_object()
        return ToyScene(
            self.width,
            self.height,
            night=self._chance(_NIGHT),
            objects=tuple(self.objects),
        )

    def _chance(self, odds: float) -> bool:
        return bool(self.rng.random() < odds)

    def _pick(self, cumulative_odds: np.ndarray) -> int:
        drawn = self.rng.random() * cumulative_odds[-1]
        return int(np.searchsorted(cumulative_odds, drawn, side='right'))

    def _add_object(self) -> None:
        """Place one more object, if there is room."""
        name = _NAMES[self._pick(_NAME_ODDS)]
        odds, *active_shape = _ACTIVE_CLASSES.get(name, (0,))
        active = self._chance(odds)
        shape = active_shape if active else _CLASSES[name][1:]
        width, height = self._size(*shape)
        partner = None if active else self._partner(name)
        for _ in range(30):
            if partner is None:
                corner = self._anywhere(width, height)
            elif name in HELD and partner.name == 'person':
                corner = self._at_hand(partner, width, height)
            else:
                corner = self._on_top(partner, width, height)
            box = _box(corner, width, height)
            candidate = ToyObject(name, box, active)
            if self._fits(candidate, partner):
                self.objects.append(candidate)
                return

    def _size(
        self, shortest: float, longest: float, aspect: float
    ) -> tuple[float, float]:
        scale = self.image_size / _NOMINAL_SIZE
        width = self.rng.uniform(shortest, longest) * scale
        return width, width * aspect * self.rng.uniform(0.93, 1.07)

    def _partner(self, name: str) -> ToyObject | None:
        """Choose what a thing stands on or who holds it, mostly nothing."""
        supports = SUPPORTS if name in LOADS else ()
        candidates = [
            other
            for other in self.objects
            if other.name in supports
            or (name in HELD and other.name == 'person' and not other.active)
        ]
        if self.sparse or not candidates or self._chance(0.3):
            return None
        return candidates[self.rng.integers(len(candidates))]

    def _anywhere(self, width: float, height: float) -> tuple[float, float]:
        return (
            self.rng.uniform(1, max(self.width - width - 1, 1)),
            self.rng.uniform(1, max(self.height - height - 1, 1)),
        )

    def _on_top(
        self, support: ToyObject, width: float, height: float
    ) -> tuple[float, float]:
        """Let the foot of the thing sink a little into the support."""
        slack = support.width - width
        x = support.box[0] + self.rng.uniform(0.1, 0.9) * slack
        sink = self.rng.uniform(0.15, 0.22) * height
        return x, support.box[1] - height + sink

    def _at_hand(
        self, person: ToyObject, width: float, height: float
    ) -> tuple[float, float]:
        """Let the thing cover a hand, which hangs at either side."""
        outwards = self.rng.uniform(0.12, 0.22) * width
        right = person.box[2] + outwards
        x = right if self._chance(0.5) else person.box[0] - outwards
        y = person.box[1] + self.rng.uniform(0.48, 0.58) * person.height
        return x - width / 2, y - height / 2

    def _fits(self, candidate: ToyObject, partner: ToyObject | None) -> bool:
        """Say whether an object is inside, and clear of all the others."""
        x1, y1, x2, y2 = candidate.box
        if min(x1, y1) < 1 or x2 > self.width - 1 or y2 > self.height - 1:
            return False
        return all(
            other is partner or self._is_apart(candidate, other)
            for other in self.objects
        )

    def _is_apart(self, candidate: ToyObject, other: ToyObject) -> bool:
        if not is_clear(candidate, other):
            return False
        far = max(gaps(candidate, other)) > REACH * mean_side(candidate, other)
        return far or not self.sparse


def _box(corner: tuple[float, float], width: float, height: float) -> Box:
    x, y = (float(value) for value in corner)
    return x, y, x + float(width), y + float(height)
