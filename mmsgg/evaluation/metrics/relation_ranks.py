"""When the relations of a data set are hit, and the recalls that follow."""

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import functional as F

PROTOCOL_OF = {
    'R': 'constrained',
    'ng-R': 'unconstrained',
    'mR': 'constrained',
    'ng-mR': 'unconstrained',
    'F': 'constrained',
    'ng-F': 'unconstrained',
    'zR': 'constrained',
    'ng-zR': 'unconstrained',
    'phr-R': 'phrase',
    'ng-phr-R': 'unconstrained-phrase',
    'A': 'annotated',
    'pooled-R': 'exclusive',
    'pooled-phr-R': 'exclusive-phrase',
}
"""The known metrics and the protocol of each, see ``functional.hit_ranks``."""


def known_metrics(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple, if all are known.

    Args:
        metrics: One name or several.

    Returns:
        The names in their order.

    Raises:
        ValueError: On an unknown name; the message has the nearest known one.

    Examples:
        >>> known_metrics('R')
        ('R',)
    """
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    for name in names:
        if name not in PROTOCOL_OF:
            close = difflib.get_close_matches(name, PROTOCOL_OF, n=1, cutoff=0)
            raise ValueError(
                f'unknown metric {name!r}; did you mean {close[0]!r}? '
                f'Known are {", ".join(PROTOCOL_OF)}.'
            )
    return names


class RelationRanks(NamedTuple):
    """The M annotated relations of I images and when each was hit."""

    image_ids: list[Any]  # I of them, None where a sample had none
    images: np.ndarray  # (M,) index of the image
    triplets: np.ndarray  # (M, 3) [subject class, object class, predicate]
    ranks: dict[str, np.ndarray]  # (M,) for each protocol
    num_predicates: int
    zero_shot_triplets: np.ndarray | None  # (Z, 3)

    @property
    def counts(self) -> np.ndarray:
        """(P,) how many relations each predicate has."""
        predicates = self.triplets[:, 2]
        return np.bincount(predicates, minlength=self.num_predicates)

    def recall(self, metric: str, k: int) -> float:
        """The value of a metric at K."""
        ranks, images = self._judged(metric)
        match metric.removeprefix('ng-'):
            case 'R' | 'phr-R' | 'zR':
                return F.image_recall(ranks, images, k)
            case 'mR':
                return F.mean_predicate_recall(
                    ranks, images, self.triplets[:, 2], self.num_predicates, k
                )
            case 'F':
                return F.harmonic_mean(
                    self.recall(metric.replace('F', 'R'), k),
                    self.recall(metric.replace('F', 'mR'), k),
                )
            case _:  # A, pooled-R, pooled-phr-R
                return F.pooled_recall(ranks, k)

    def recall_of_images(self, metric: str, k: int) -> np.ndarray:
        """(I,) recall of each image; nan where it has no relations."""
        ranks, images = self._judged(metric)
        return F.recall_of_images(ranks, images, len(self.image_ids), k)

    def recall_of_predicates(self, metric: str, k: int) -> np.ndarray:
        """(P,) recall of each predicate; nan where it never occurs."""
        return F.predicate_recall(
            *self._judged(metric), self.triplets[:, 2], self.num_predicates, k
        )

    def _judged(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Ranks and images of the relations that a metric counts."""
        ranks = self.ranks[PROTOCOL_OF[metric]]
        if self.zero_shot_triplets is not None and metric.endswith('zR'):
            unseen = F.in_triplets(self.triplets, self.zero_shot_triplets)
            return ranks[unseen], self.images[unseen]
        return ranks, self.images


def collect_ranks(
    results: Sequence[dict[str, Any]],
    protocols: Sequence[str],
    zero_shot_triplets: np.ndarray | None = None,
    least_predicates: int = 0,
) -> RelationRanks:
    """Put the relations of all images into flat arrays.

    Args:
        results: One entry an image: ``img_id``, ``triplets`` (R, 3),
            ``ranks`` {protocol: (R,)}, ``num_predicates``. At least one.
        protocols: The protocols at hand.
        zero_shot_triplets: (Z, 3), for zR.
        least_predicates: The least P, where no image says it.

    Returns:
        The relations.
    """
    triplets = np.concatenate([entry['triplets'] for entry in results])
    sizes = [len(entry['triplets']) for entry in results]
    known = max(entry['num_predicates'] for entry in results)
    # without any prediction P may be unknown; then all recalls are 0
    num_predicates = max(
        known or least_predicates, triplets[:, 2].max(initial=0) + 1
    )
    return RelationRanks(
        image_ids=[entry['img_id'] for entry in results],
        images=np.repeat(np.arange(len(results)), sizes),
        triplets=triplets,
        ranks={
            protocol: np.concatenate([e['ranks'][protocol] for e in results])
            for protocol in protocols
        },
        num_predicates=int(num_predicates),
        zero_shot_triplets=zero_shot_triplets,
    )
