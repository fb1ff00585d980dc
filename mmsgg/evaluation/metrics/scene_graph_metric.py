"""The recalls of scene graph generation."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import ArrayLike

from mmsgg.registry import METRICS

from .. import functional as F
from ..functional.predicate_groups import Groups
from .collected_relations import CollectedRelations, collect_relations
from .metric_names import RANKING_OF, checked_topk, known_metrics
from .predicate_table import predicate_table
from .sample_graphs import predicted_graph, true_graph
from .zero_shot_triplets import read_zero_shot_triplets


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
    - ``F``, ``ng-F``: harmonic mean of R and mR.
    - ``zR``, ``ng-zR``: R over the relations whose triplet is zero-shot.
    - ``phr-R``, ``ng-phr-R``: R where the box around subject and object must
      overlap, not both boxes.
    - ``A``: relations hit of all relations of all images, where only the
      pairs that have a relation are judged; for predcls and sgcls, where the
      predicted objects are the annotated ones in their order.
    - ``pooled-R``, ``pooled-phr-R``: relations hit of all relations of all
      images, where a triplet uses up the relation that it hits (Stanford
      VRD, Lu et al. 2016).

    ``docs/metrics.md`` has the formulas. Each sample holds ``gt_instances``
    {bboxes, labels}, ``gt_relations`` {pairs, labels}, ``pred_instances``
    {bboxes, labels, scores} and ``pred_relations`` {pairs,
    predicate_scores}, tensors or arrays, boxes in original-image pixels.
    Pairs are judged by ``pred_relations.scores``, the highest first and equal
    ones in the order given; without ``scores`` all are judged in the order
    given.

    ``evaluate`` returns fractions under ``'R@20'``, ``'ng-mR@100'``,
    ``'mR-head@50'`` and so on; nan where no image has a relation to recall.
    After it, in the first process:

    - :attr:`image_recalls`: ``img_id`` and arrays (I,) ``'R@20'`` and so on,
      the fraction of the rows of each image that are hit, for all metrics
      but mR and F; nan for an image without rows.
    - :attr:`predicate_recalls` (with ``classwise``): ``predicate`` names,
      ``relations`` (P,) counts, and (P,) recalls, nan where there are none.

    Args:
        metrics: Any of the above.
        topk: The numbers K of triplets that an image may give.
        iou_thr: The least overlap of the boxes (+1 pixel convention),
            inclusive.
        zero_shot_triplets: (Z, 3) 0-based [subject class, object class,
            predicate], needed for zR and ng-zR; or the path of a ``.npy``,
            ``.txt`` or torch-saved file with them.
        predicates_per_pair: How many predicates of a pair compete in
            pooled-R and pooled-phr-R; 1 is the graph constraint, 70 of 70
            is none.
        predicate_groups: Names or 0-based numbers of predicates under the
            name of their group; adds ``'mR-head@50'`` for a group 'head'.
        classwise: Log the recall of each predicate too.
        collect_device: 'cpu' or 'gpu', see mmengine.
        prefix: Put before the names of the results, with a slash.
        collect_dir: Where processes exchange their results on 'cpu'.

    Raises:
        ValueError: On an unknown metric, on zR without triplets, on groups
            without mR.

    Examples:
        >>> # in a list: mmengine mistakes a bare dict that has 'metrics'
        >>> test_evaluator = [dict(
        ...     type='SceneGraphMetric', metrics=('R', 'mR', 'zR'),
        ...     zero_shot_triplets='data/vg/zero_shot_triplets.npy',
        ...     predicate_groups=dict(head=['on', 'has'], tail=['flying in']))]
    """

    default_prefix = ''  # results are called 'R@20', not 'sgg/R@20'

    def __init__(
        self,
        metrics: Sequence[str] = ('R', 'ng-R', 'mR', 'ng-mR'),
        topk: Sequence[int] = (20, 50, 100),
        iou_thr: float = 0.5,
        zero_shot_triplets: ArrayLike | str | Path | None = None,
        predicates_per_pair: int = 1,
        predicate_groups: Groups | None = None,
        classwise: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.metrics = known_metrics(metrics)
        self.topk = checked_topk(topk)
        self.iou_thr = iou_thr
        self.predicates_per_pair = predicates_per_pair
        if predicates_per_pair < 1:
            raise ValueError(
                f'predicates_per_pair must be positive: {predicates_per_pair}'
            )
        self.classwise = classwise
        self.predicate_groups = dict(predicate_groups or {})
        self._grouped = [m for m in self.metrics if m in ('mR', 'ng-mR')]
        if self.predicate_groups and not self._grouped:
            raise ValueError('predicate_groups needs mR or ng-mR in metrics')
        rankings = [RANKING_OF[name] for name in self.metrics]
        self.rankings = tuple(dict.fromkeys(rankings))  # without repetition
        self.zero_shot_triplets = None
        if {'zR', 'ng-zR'} & set(self.metrics):
            self.zero_shot_triplets = read_zero_shot_triplets(
                zero_shot_triplets
            )
        self.image_recalls: dict[str, Any] = {}
        self.predicate_recalls: dict[str, Any] = {}

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
            if num_predicates and not self.results:
                self._groups(num_predicates)  # unknown names stop here
            ranks = F.graph_ranks(
                predicted,
                true,
                self.rankings,
                max(self.topk),
                self.iou_thr,
                self.predicates_per_pair,
            )
            self.results.append(
                dict(
                    img_id=sample.get('img_id'),
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
        self.image_recalls, self.predicate_recalls = {}, {}
        if not results:
            return dict.fromkeys(self._names(), math.nan)
        relations = collect_relations(
            results,
            self.rankings,
            self.zero_shot_triplets,
            least_predicates=F.largest_number(self.predicate_groups) + 1,
        )
        self.image_recalls = self._recall_of_images(relations)
        if self.classwise:
            self.predicate_recalls = self._recall_of_predicates(relations)
            table = predicate_table(*self._table_columns())
            print_log(f'Recall of each predicate\n{table}', logger='current')
        values = [
            value
            for k in self.topk
            for value in (
                *(relations.recall(metric, k) for metric in self.metrics),
                *self._recall_of_groups(relations, k),
            )
        ]
        return dict(zip(self._names(), values, strict=True))

    def _names(self) -> list[str]:
        """The names of the results."""
        names = [
            *self.metrics,
            *(
                f'{m}-{g}'
                for m in self._grouped
                for g in self.predicate_groups
            ),
        ]
        return [f'{name}@{k}' for k in self.topk for name in names]

    def _groups(self, num_predicates: int) -> dict[str, np.ndarray]:
        """The numbers of the predicates of each group."""
        names = (self.dataset_meta or {}).get('predicates')
        return F.resolve_predicate_groups(
            self.predicate_groups, names, num_predicates
        )

    def _recall_of_groups(
        self, relations: CollectedRelations, k: int
    ) -> list[float]:
        """The values of mR-head, mR-body and so on at one K."""
        groups = self._groups(relations.num_predicates).values()
        return [
            F.group_mean_recall(recalls, group)
            for metric in self._grouped
            for recalls in [relations.recall_of_predicates(metric, k)]
            for group in groups
        ]

    def _recall_of_images(self, relations: CollectedRelations) -> dict:
        """What :attr:`image_recalls` holds."""
        recalls = {
            f'{metric}@{k}': relations.recall_of_images(metric, k)
            for metric in self.metrics
            if not metric.endswith(('mR', 'F'))
            for k in self.topk
        }
        return dict(img_id=relations.image_ids, **recalls)

    def _recall_of_predicates(self, relations: CollectedRelations) -> dict:
        """What :attr:`predicate_recalls` holds."""
        num_predicates = relations.num_predicates
        names = (self.dataset_meta or {}).get('predicates')
        names = names or [str(i) for i in range(num_predicates)]
        recalls = {
            f'{title}@{k}': relations.recall_of_predicates(title, k)
            for title in ('R', 'ng-R')
            if RANKING_OF[title] in self.rankings
            for k in self.topk
        }
        return dict(
            predicate=list(names), relations=relations.counts, **recalls
        )

    def _table_columns(self) -> tuple[list[str], np.ndarray, dict]:
        """Names, counts and recalls of :attr:`predicate_recalls`."""
        recalls = dict(self.predicate_recalls)
        return recalls.pop('predicate'), recalls.pop('relations'), recalls

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
