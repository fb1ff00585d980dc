"""When the relations of a data set are hit, and the results that follow."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import functional as F
from ..functional.rules import check_known

KIND_OF = {
    'R': 'constrained',
    'ng-R': 'unconstrained',
    'mR': 'constrained',
    'ng-mR': 'unconstrained',
    'mR-present': 'constrained',
    'ng-mR-present': 'unconstrained',
    'F': 'constrained',
    'ng-F': 'unconstrained',
    'zR': 'constrained',
    'ng-zR': 'unconstrained',
    'phr-R': 'phrase',
    'ng-phr-R': 'unconstrained-phrase',
    'phr-mR': 'phrase',
    'ng-phr-mR': 'unconstrained-phrase',
    'A': 'annotated',
    'pooled-R': 'pooled',
    'ng-pooled-R': 'unconstrained-pooled',
    'pooled-phr-R': 'pooled-phrase',
    'pooled-mR': 'constrained',
    'ng-pooled-mR': 'unconstrained',
    'pooled-mR-present': 'constrained',
    'ng-pooled-mR-present': 'unconstrained',
}
"""The recalls and the kind of hits of each, see ``functional.hit_ranks``."""


WITHOUT_K = {
    'InstR': 'InstR',
    'PRank': 'PRank',
    'mAP_rel': 'AP',
    'wmAP_rel': 'AP',
    'mAP_phr': 'AP',
    'wmAP_phr': 'AP',
    'score': 'AP',
    'score_wtd': 'AP',
}
"""The results that have no K, and what each needs of an image."""

KNOWN = (*KIND_OF, 'PairR', *WITHOUT_K)
"""All names of results."""

SCORE_K = 50
"""Of pooled-R in the scores of Open Images."""


def known_metrics(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple, if all are known.

    Args:
        metrics: One name or several.

    Raises:
        ValueError: On an unknown name; the message has the nearest known one.

    Examples:
        >>> known_metrics('R')
        ('R',)
    """
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    for name in names:
        check_known('metric', name, KNOWN)
    return names


class RelationRanks(NamedTuple):
    """The M annotated relations of I images and when each was hit."""

    image_ids: list[Any]  # I of them, None where a sample had none
    images: np.ndarray  # (M,) index of the image
    triplets: np.ndarray  # (M, 3) [subject class, object class, predicate]
    ranks: dict[str, np.ndarray]  # (M,) for each kind of hits
    num_predicates: int
    zero_shot_triplets: np.ndarray | None  # (Z, 3)
    rules: F.Rules
    gt_pairs: np.ndarray  # (I,) different annotated pairs
    left_out: np.ndarray  # (I,) bool, see ``Rules.without_prediction``
    entries: Sequence[dict[str, Any]]  # I, with what else was measured

    @property
    def counts(self) -> np.ndarray:
        """(P,) how many relations each predicate has."""
        predicates = self.triplets[:, 2]
        return np.bincount(predicates, minlength=self.num_predicates)

    def recall(self, metric: str, k: int | str) -> float:
        """The value of a metric at K, or at 'gt'."""
        if metric == 'PairR':
            return self._pair_recall(k)
        judged = self._judged(metric)
        ranks = self.ranks[KIND_OF[metric]][judged]
        match metric.removeprefix('ng-'):
            case 'R' | 'phr-R' | 'zR':
                return F.image_recall(
                    ranks, self.images[judged], self._k(k)[judged]
                )
            case 'F':
                return F.harmonic_mean(
                    self.recall(metric.replace('F', 'R'), k),
                    self.recall(metric.replace('F', 'mR'), k),
                )
            case 'A' | 'pooled-R' | 'pooled-phr-R':
                return F.pooled_recall(ranks, self._k(k)[judged])
            case _:
                return self.mean_recall(metric, k)

    def mean_recall(
        self, metric: str, k: int | str, group: np.ndarray | None = None
    ) -> float:
        """Mean of the recalls of all predicates, or of a group (Q,)."""
        if group is None:
            group = np.arange(self.num_predicates)
        absent: str = self.rules.absent_predicate
        if metric.endswith('-present'):
            absent = 'skip'
        recalls = self.recall_of_predicates(metric, k)
        return F.group_mean_recall(recalls, group, absent)

    def recall_of_images(self, metric: str, k: int | str) -> np.ndarray:
        """(I,) recall of each image; nan where it has no relations."""
        judged = self._judged(metric)
        return F.recall_of_images(
            self.ranks[KIND_OF[metric]][judged],
            self.images[judged],
            len(self.image_ids),
            self._k(k)[judged],
        )

    def recall_of_predicates(self, metric: str, k: int | str) -> np.ndarray:
        """(P,) recall of each predicate; nan where it never occurs."""
        judged = self._judged(metric)
        ranks = self.ranks[KIND_OF[metric]][judged]
        predicates = self.triplets[judged, 2]
        if 'pooled' in metric:
            return F.pooled_predicate_recall(
                ranks, predicates, self.num_predicates, self._k(k)[judged]
            )
        return F.predicate_recall(
            ranks,
            self.images[judged],
            predicates,
            self.num_predicates,
            self._k(k)[judged],
        )

    def value(self, metric: str) -> float:
        """The value of a metric that has no K; nan without relations."""
        if len(self.images) == 0:
            return math.nan
        if metric == 'InstR':
            recalls = [
                self.entries[image]['InstR']
                for image in np.unique(self.images)
                if not self._skipped[image]
            ]
            return math.fsum(recalls) / len(recalls) if recalls else math.nan
        if metric == 'PRank':
            ranks = np.concatenate([e['PRank'] for e in self.entries])
            return F.mean_predicate_rank(
                ranks, self.images, self.triplets[:, 2]
            )
        if metric.startswith('score'):
            weighted = 'w' if metric == 'score_wtd' else ''
            recall = self.recall('pooled-R', SCORE_K)
            relations, phrases = (
                self.value(f'{weighted}mAP_{kind}') for kind in ('rel', 'phr')
            )
            return 0.2 * recall + 0.4 * relations + 0.4 * phrases
        columns = zip(*(entry['AP'] for entry in self.entries), strict=True)
        candidates = F.Candidates(*map(np.concatenate, columns))
        precisions = F.predicate_precisions(
            candidates, self.counts, phrases=metric.endswith('phr')
        )
        return F.mean_average_precision(
            precisions, self.counts if metric.startswith('w') else None
        )

    def _pair_recall(self, k: int | str) -> float:
        """PairR@K: related pairs that are named, mean over images."""
        ranks = np.concatenate([entry['PairR'] for entry in self.entries])
        images = np.repeat(np.arange(len(self.gt_pairs)), self.gt_pairs)
        judged = ~self._skipped[images]
        ranks, images = ranks[judged], images[judged]
        numbers = self.gt_pairs[images] if isinstance(k, str) else k
        return F.image_recall(ranks, images, numbers)

    @property
    def _skipped(self) -> np.ndarray:
        """(I,) bool, the images that means other than mR leave out."""
        return self.left_out & (self.rules.without_prediction == 'skip')

    def _k(self, k: int | str) -> np.ndarray:
        """(M,) how many triplets the image of each relation may give."""
        if k == 'gt':
            return self.gt_pairs[self.images]
        return np.full(len(self.images), k)

    def _judged(self, metric: str) -> np.ndarray:
        """(M,) bool, the relations that a metric counts."""
        name = metric.removeprefix('ng-')
        judged = np.ones(len(self.images), dtype=bool)
        if not name.startswith('pooled'):
            left_out = self.left_out if 'mR' in name else self._skipped
            judged &= ~left_out[self.images]
        if self.zero_shot_triplets is not None and name == 'zR':
            judged &= F.in_triplets(self.triplets, self.zero_shot_triplets)
        return judged


def collect_ranks(
    results: Sequence[dict[str, Any]],
    kinds: Sequence[str],
    rules: F.Rules,
    zero_shot_triplets: np.ndarray | None = None,
    least_predicates: int = 0,
) -> RelationRanks:
    """Put the relations of all images into flat arrays.

    Args:
        results: One entry of :meth:`SceneGraphMetric.process` an image. At
            least one.
        kinds: The kinds of hits at hand.
        rules: How hits are averaged.
        zero_shot_triplets: (Z, 3), for zR.
        least_predicates: The least P, where no image says it.
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
            kind: np.concatenate([e['ranks'][kind] for e in results])
            for kind in kinds
        },
        num_predicates=int(num_predicates),
        zero_shot_triplets=zero_shot_triplets,
        rules=rules,
        gt_pairs=np.array([entry['gt_pairs'] for entry in results]),
        left_out=np.array([entry['left_out'] for entry in results]),
        entries=results,
    )
