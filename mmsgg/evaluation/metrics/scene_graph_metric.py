"""The recalls of scene graph generation."""

import difflib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import ArrayLike

from mmsgg.registry import METRICS

from .. import functional as F
from .predicate_table import predicate_table
from .sample_graphs import predicted_graph, true_graph
from .zero_shot_triplets import read_zero_shot_triplets

RANKING_OF = {
    'R': 'constrained',
    'ng-R': 'unconstrained',
    'mR': 'constrained',
    'ng-mR': 'unconstrained',
    'zR': 'constrained',
    'ng-zR': 'unconstrained',
    'A': 'annotated',
}
"""The known metrics and the ranking of triplets that each one judges."""


class _Relations(NamedTuple):
    """The M relations of all images."""

    images: np.ndarray  # (M,) number of the image
    triplets: np.ndarray  # (M, 3) [subject class, object class, predicate]
    ranks: dict[str, np.ndarray]  # (M,) for each ranking
    num_predicates: int


@METRICS.register_module()
class SceneGraphMetric(BaseMetric):
    """Recalls of predicted scene graphs; ties are broken the same way always.

    A predicted triplet hits a relation where the classes of subject and
    object and the predicate agree and both boxes overlap. ``ng-`` stands for
    'no graph constraint': all predicates of a pair compete.

    - ``R``, ``ng-R``: recall of each image, averaged over the images that
      have relations.
    - ``mR``, ``ng-mR``: recall of each predicate, averaged over the images
      that have it, then over all predicates; one that never occurs counts 0.
    - ``zR``, ``ng-zR``: R over the relations whose triplet is zero-shot.
    - ``A``: relations hit of all relations of all images, where only the
      pairs that have a relation are judged; for predcls and sgcls, where the
      predicted objects are the annotated ones in their order.

    Each sample holds ``gt_instances`` {bboxes, labels}, ``gt_relations``
    {pairs, labels}, ``pred_instances`` {bboxes, labels, scores} and
    ``pred_relations`` {pairs, predicate_scores}, tensors or arrays, boxes in
    original-image pixels. Pairs are judged by ``pred_relations.scores``,
    the highest first and equal ones in the order given; without ``scores``
    all are judged in the order given.

    ``evaluate`` returns fractions under ``'R@20'``, ``'ng-mR@100'`` and so
    on; nan where no image has a relation to recall.

    Args:
        metrics: Any of R, ng-R, mR, ng-mR, zR, ng-zR, A.
        topk: The numbers K of triplets that an image may give.
        iou_thr: The least overlap of both boxes (+1 pixel convention),
            inclusive.
        zero_shot_triplets: (Z, 3) 0-based [subject class, object class,
            predicate], needed for zR and ng-zR; or the path of a ``.npy``,
            ``.txt`` or torch-saved file with them.
        classwise: Log the recall of each predicate too.
        collect_device: 'cpu' or 'gpu', see mmengine.
        prefix: Put before the names of the results, with a slash.
        collect_dir: Where processes exchange their results on 'cpu'.

    Raises:
        ValueError: On an unknown metric, on zR without triplets.

    Examples:
        >>> metric = dict(
        ...     type='SceneGraphMetric', metrics=('R', 'mR', 'zR'),
        ...     zero_shot_triplets='data/vg/zero_shot_triplets.npy')
    """

    default_prefix = ''  # results are called 'R@20', not 'sgg/R@20'

    def __init__(
        self,
        metrics: Sequence[str] = ('R', 'ng-R', 'mR', 'ng-mR'),
        topk: Sequence[int] = (20, 50, 100),
        iou_thr: float = 0.5,
        zero_shot_triplets: ArrayLike | str | Path | None = None,
        classwise: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.metrics = _known_metrics(metrics)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)
        if not self.topk or min(self.topk) < 1:
            raise ValueError(f'topk must be positive numbers, got {topk}')
        self.iou_thr = iou_thr
        self.classwise = classwise
        rankings = [RANKING_OF[name] for name in self.metrics]
        self.rankings = tuple(dict.fromkeys(rankings))  # without repetition
        self.zero_shot_triplets = None
        if {'zR', 'ng-zR'} & set(self.metrics):
            if zero_shot_triplets is None:
                raise ValueError(
                    'zR and ng-zR need zero_shot_triplets: an array (Z, 3) of '
                    '0-based [subject, object, predicate], or its path'
                )
            self.zero_shot_triplets = read_zero_shot_triplets(
                zero_shot_triplets
            )

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Match the predictions of a batch.

        What stays of an image, with or without relations, is one entry: the
        triplets of its R relations and when each was hit first.

        Args:
            data_batch: Not used.
            data_samples: One dict an image, see the class.

        Raises:
            ValueError: Where the number of predicates is not clear, or A
                meets other objects than the annotated ones.
        """
        for sample in data_samples:
            true, predicted = true_graph(sample), predicted_graph(sample)
            num_predicates = self._num_predicates(true, predicted)
            ranks = F.graph_ranks(
                predicted, true, self.rankings, max(self.topk), self.iou_thr
            )
            self.results.append(
                dict(
                    triplets=true.triplets,  # (R, 3)
                    ranks=ranks,  # (R,) for each ranking
                    num_predicates=num_predicates,
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Make the recalls of the data set.

        Args:
            results: One entry of :meth:`process` an image.

        Returns:
            A fraction for each metric and K.
        """
        if not results:
            return dict.fromkeys(self._names(), math.nan)
        relations = _gather(results, self.rankings)
        if self.classwise:
            self._log_predicates(relations)
        values = [
            self._recall(metric, k, relations)
            for k in self.topk
            for metric in self.metrics
        ]
        return dict(zip(self._names(), values, strict=True))

    def _names(self) -> list[str]:
        return [f'{name}@{k}' for k in self.topk for name in self.metrics]

    def _recall(self, metric: str, k: int, relations: _Relations) -> float:
        """The value of one metric at one K."""
        images, triplets, ranks, num_predicates = relations
        ranks = ranks[RANKING_OF[metric]]
        match metric.removeprefix('ng-'):
            case 'R':
                return F.image_recall(ranks, images, k)
            case 'mR':
                return F.mean_predicate_recall(
                    ranks, images, triplets[:, 2], num_predicates, k
                )
            case 'zR':
                unseen = F.in_triplets(triplets, self.zero_shot_triplets)
                return F.image_recall(ranks[unseen], images[unseen], k)
            case 'A':
                return F.pooled_recall(ranks, k)

    def _num_predicates(
        self, true: F.TrueGraph, predicted: F.PredictedGraph
    ) -> int:
        """P; background left in or labels from 1 would shift every result."""
        names = (self.dataset_meta or {}).get('predicates')
        scores = predicted.predicate_scores
        if scores.ndim == 2:
            num_predicates = scores.shape[1]
        else:  # no pairs, no columns
            num_predicates = len(names or ())
        if names is not None and len(names) != num_predicates:
            raise ValueError(
                f'pred_relations.predicate_scores has {num_predicates} '
                f'columns, the data set has {len(names)} predicates; '
                'background must be left out'
            )
        if 0 < num_predicates <= true.predicates.max(initial=0):
            raise ValueError(
                f'gt_relations.labels reaches {true.predicates.max()}, but '
                f'there are {num_predicates} predicates, counted from 0'
            )
        triplets = self.zero_shot_triplets
        if triplets is not None and len(triplets) and num_predicates:
            if triplets[:, 2].max() >= num_predicates:
                raise ValueError(
                    f'zero_shot_triplets reaches predicate '
                    f'{triplets[:, 2].max()}, but there are {num_predicates}, '
                    'counted from 0; subtract 1 from a list counted from 1'
                )
        return num_predicates

    def _log_predicates(self, relations: _Relations) -> None:
        """Log the recall of each predicate in the rankings at hand."""
        images, triplets, ranks, num_predicates = relations
        predicates = triplets[:, 2]
        names = (self.dataset_meta or {}).get('predicates')
        names = names or [str(i) for i in range(num_predicates)]
        recalls = {
            f'{title}@{k}': F.predicate_recall(
                ranks[RANKING_OF[title]], images, predicates, num_predicates, k
            )
            for title in ('R', 'ng-R')
            if RANKING_OF[title] in ranks
            for k in self.topk
        }
        counts = np.bincount(predicates, minlength=num_predicates)
        table = predicate_table(names, counts, recalls)
        print_log(f'Recall of each predicate\n{table}', logger='current')


def _known_metrics(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple, if all are known."""
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    for name in names:
        if name not in RANKING_OF:
            close = difflib.get_close_matches(name, RANKING_OF, n=1, cutoff=0)
            raise ValueError(
                f'unknown metric {name!r}; did you mean {close[0]!r}? '
                f'Known are {", ".join(RANKING_OF)}.'
            )
    return names


def _gather(results: list[dict], rankings: Sequence[str]) -> _Relations:
    """The relations of all images in flat arrays."""
    triplets = np.concatenate([entry['triplets'] for entry in results])
    sizes = [len(entry['triplets']) for entry in results]
    return _Relations(
        images=np.repeat(np.arange(len(results)), sizes),
        triplets=triplets,
        ranks={
            ranking: np.concatenate([e['ranks'][ranking] for e in results])
            for ranking in rankings
        },
        # without any prediction P may be unknown; then all recalls are 0
        num_predicates=max(
            triplets[:, 2].max(initial=0) + 1,
            *(entry['num_predicates'] for entry in results),
        ),
    )
