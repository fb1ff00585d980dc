"""The recalls of scene graph generation, by the rules of any evaluator."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub, print_log
from numpy.typing import ArrayLike
from terminaltables import AsciiTable

from mmsgg.registry import METRICS

from .. import functional as F
from ..functional.rules import check_known
from .relation_ranks import (
    KIND_OF,
    SCORE_K,
    WITHOUT_K,
    RelationRanks,
    collect_ranks,
    known_metrics,
)


@METRICS.register_module()
class SceneGraphMetric(BaseMetric):
    """Recalls of predicted scene graphs; ties are broken the same way always.

    A predicted triplet hits a relation where the classes of subject and
    object and the predicate agree and both boxes overlap. ``ng-`` stands for
    'no graph constraint': all predicates of a pair compete. What overlaps,
    how much, and how images are averaged are the rules of a ``protocol``.

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
    - ``phr-mR``, ``ng-phr-mR``: mR where phr-R's boxes overlap.
    - ``pooled-R``, ``ng-pooled-R``, ``pooled-phr-R``: relations hit of all
      relations of all images, where a triplet uses up the relation that it
      hits (Stanford VRD, Lu et al. 2016).
    - ``pooled-mR``, ``ng-pooled-mR``: recall of each predicate over all
      images, averaged over the predicates (VCTree).
    - ``mR-present``, ``pooled-mR-present`` and so on: mR over the predicates
      that occur.
    - ``PairR``, and without K ``InstR`` and ``PRank``: SGBench's recalls of
      pairs and objects, and mean rank of predicates.
    - without K, ``mAP_rel``, ``wmAP_rel``, ``mAP_phr``, ``wmAP_phr``,
      ``score``, ``score_wtd``: average precision of Open Images.

    ``docs/metrics.md`` has the formulas. Each sample holds ``gt_instances``
    {bboxes, labels}, ``gt_relations`` {pairs, labels}, ``pred_instances``
    {bboxes, labels, scores} and ``pred_relations`` {pairs,
    predicate_scores}, tensors or arrays, boxes in original-image pixels;
    where the rules ask for masks, both instances hold ``masks``, see
    :func:`~mmsgg.evaluation.functional.encode_masks`.
    Pairs are judged by ``pred_relations.scores``, the highest first and equal
    ones in the order given; without ``scores`` all are judged in the order
    given.

    ``evaluate`` returns fractions under ``'R@20'``, ``'ng-mR@100'``,
    ``'mR-head@50'`` and so on; nan where no image has a relation to recall.
    After it, in the first process:

    - :attr:`report`: by which protocol and on which images, see
      ``functional.evaluation_report``; also in the log, and in the JSON that
      a test run writes.
    - :attr:`image_recalls`: ``img_id`` and arrays (I,) ``'R@20'`` and so on,
      the fraction of the relations of each image that are hit, for all
      recalls but mR and F; nan for an image without relations.
    - :attr:`predicate_recalls` (with ``classwise``): ``predicate`` names,
      ``relations`` (P,) counts, and (P,) recalls, nan where there are none.

    Args:
        metrics: Any of the above; by default those of the protocol, and with
            ``zero_shot_triplets`` zR beside R, ng-zR beside ng-R.
        topk: The numbers K of triplets that an image may give; 'gt' stands
            for as many as it has related pairs. By default the protocol's.
        iou_thr: The least overlap; by default the protocol's, 0.5.
        zero_shot_triplets: (Z, 3) 0-based [subject class, object class,
            predicate], needed for zR and ng-zR; or the path of a ``.npy``,
            ``.txt`` or torch-saved file with them.
        classwise: Log the recall of each predicate too.
        predicates_per_pair: How many predicates of a pair compete in
            pooled-R, pooled-phr-R and average precision; 1 is the graph
            constraint, 70 of 70 is none. By default the protocol's.
        predicate_groups: Names or 0-based numbers of predicates under the
            name of their group; adds ``'mR-head@50'`` for a group 'head'.
            'vg150': head, body and tail of VG150 as PySGG fixed them.
        collect_device: 'cpu' or 'gpu', see mmengine.
        prefix: Put before the names of the results, with a slash.
        collect_dir: Where processes exchange their results on 'cpu'.
        protocol: Whose numbers the results are comparable with: 'motifs'
            (neural-motifs), 'sgb' (Scene-Graph-Benchmark), 'vrd-lu' (Stanford
            VRD), 'openimages' (RelDN, PySGG), 'psg' (OpenPSG), 'psg-fair'
            (Lorenz et al. 2024) or 'sgbench' (SGBench 1.0.0).
        rules: Rules of the protocol to change, by the names of
            :class:`~mmsgg.evaluation.functional.Rules`.

    Raises:
        ValueError: On an unknown metric, protocol or rule, on zR without
            triplets, on groups without mR.

    Examples:
        >>> val_evaluator = dict(type='SceneGraphMetric', protocol='psg')
        >>> # in a list: mmengine mistakes a bare dict that has 'metrics'
        >>> test_evaluator = [dict(
        ...     type='SceneGraphMetric', metrics=('R', 'mR', 'zR'),
        ...     zero_shot_triplets='data/vg/zero_shot_triplets.npy',
        ...     predicate_groups=dict(head=['on', 'has'], tail=['flying in']))]
    """

    default_prefix = ''  # results are called 'R@20', not 'sgg/R@20'

    def __init__(
        self,
        metrics: Sequence[str] | None = None,
        topk: int | Sequence[int | str] | None = None,
        iou_thr: float | None = None,
        zero_shot_triplets: ArrayLike | str | Path | None = None,
        classwise: bool = False,
        predicates_per_pair: int | None = None,
        predicate_groups: F.PredicateGroups | str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
        protocol: str = 'motifs',
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        named = F.find_protocol(protocol)
        self.protocol = protocol
        single = dict(iou_thr=iou_thr, predicates_per_pair=predicates_per_pair)
        given = {k: v for k, v in single.items() if v is not None}
        self.rules = named.changed_rules(dict(rules or {}, **given))
        if metrics is None:
            metrics = named.metrics
            if zero_shot_triplets is not None:  # given to be used
                of = {'R': 'zR', 'ng-R': 'ng-zR'}
                metrics += tuple(of[name] for name in metrics if name in of)
        self.metrics = known_metrics(metrics)
        self.topk = checked_topk(named.topk if topk is None else topk, True)
        self.classwise = classwise
        if isinstance(predicate_groups, str):
            check_known('predicate_groups', predicate_groups, ('vg150',))
        self.predicate_groups = predicate_groups or {}
        self._grouped = [m for m in self.metrics if m.endswith('mR')]
        if self.predicate_groups and not self._grouped:
            raise ValueError('predicate_groups needs mR or ng-mR in metrics')
        kinds = [KIND_OF[name] for name in self.metrics if name in KIND_OF]
        self._ks = self.topk
        if {'score', 'score_wtd'} & set(self.metrics):
            kinds.append(KIND_OF['pooled-R'])
            self._ks += (SCORE_K,)
        self.kinds = tuple(dict.fromkeys(kinds))  # each once
        self.needs = {WITHOUT_K.get(name, name) for name in self.metrics}
        self.zero_shot_triplets = None
        if {'zR', 'ng-zR'} & set(self.metrics):
            self.zero_shot_triplets = F.read_zero_shot_triplets(
                zero_shot_triplets
            )
        self.report: dict[str, Any] = {}
        self.image_recalls: dict[str, Any] = {}
        self.predicate_recalls: dict[str, Any] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Match the predictions of a batch.

        What stays of an image, with or without relations, is one entry: the
        triplets of its R relations and when each was hit first, and what else
        the metrics need.

        Args:
            data_batch: Not used.
            data_samples: One dict an image, see the class.

        Raises:
            ValueError: Where the number of predicates is not clear, A meets
                other objects than the annotated ones, a score or a box is not
                finite, or masks are missing.
        """
        for sample in data_samples:
            F.check_finite(sample)
            masks = self.rules.masks
            true = F.true_graph(sample, masks)
            predicted = F.predicted_graph(sample, masks)
            num_predicates = self._num_predicates(true, predicted)
            if num_predicates and not self.results:
                self._groups(num_predicates)  # unknown names stop here
            entry = F.judge_image(
                predicted, true, self.rules, self.kinds, self.needs, self._ks
            )
            entry.update(
                img_id=sample.get('img_id'), num_predicates=num_predicates
            )
            self.results.append(entry)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Make the recalls of the data set.

        Args:
            results: One entry of :meth:`process` an image.

        Returns:
            A number for each metric and K.
        """
        self.image_recalls, self.predicate_recalls = {}, {}
        self._write_report(results)
        if not results:
            return dict.fromkeys(self._names(), math.nan)
        relations = collect_ranks(
            results,
            self.kinds,
            self.rules,
            self.zero_shot_triplets,
            least_predicates=self._largest_number() + 1,
        )
        self.image_recalls = self._recall_of_images(relations)
        if self.classwise:
            self.predicate_recalls = self._recall_of_predicates(relations)
            table = predicate_table(self.predicate_recalls)
            print_log(f'Recall of each predicate\n{table}', logger='current')
        groups = self._groups(relations.num_predicates).values()
        values = []
        for k in self.topk:
            for metric in self._with_k:
                values.append(relations.recall(metric, k))
            for metric in self._grouped:
                values += [relations.mean_recall(metric, k, g) for g in groups]
        for metric in self._without_k:
            values.append(relations.value(metric))
        return dict(zip(self._names(), values, strict=True))

    def _write_report(self, results: list[dict]) -> None:
        """Say in the log and in the JSON of a test how this was measured."""
        self.report = F.evaluation_report(self.protocol, self.rules, results)
        fields = [f'{name}: {value}' for name, value in self.report.items()]
        print_log(', '.join(fields), logger='current')
        name = f'test/{self.prefix or "SceneGraphMetric"}/{self.protocol}'
        hub = MessageHub.get_current_instance()
        hub.update_info(name, self.report, resumed=False)

    @property
    def needs_all_pairs(self) -> bool:
        """Whether the pairs among the first K triplets are not enough."""
        rules = self.rules
        return (
            rules.merge_nodes
            or rules.unique_triplets
            or rules.repeated_pairs != 'all'
            or rules.candidate_score != 'product'
            or 'gt' in self.topk
            or 'PRank' in self.metrics
        )

    @property
    def judged_topk(self) -> tuple[int, ...]:
        """The numbers of triplets, or candidates, that are judged."""
        candidates = (F.CANDIDATES,) if 'AP' in self.needs else ()
        return (*(k for k in self._ks if k != 'gt'), *candidates)

    @property
    def _with_k(self) -> list[str]:
        return [name for name in self.metrics if name not in WITHOUT_K]

    @property
    def _without_k(self) -> list[str]:
        return [name for name in self.metrics if name in WITHOUT_K]

    def _names(self) -> list[str]:
        """The names of the results."""
        groups = self._group_names()
        grouped = [f'{m}-{group}' for m in self._grouped for group in groups]
        names = [*self._with_k, *grouped]
        with_k = [f'{name}@{k}' for k in self.topk for name in names]
        return [*with_k, *self._without_k]

    def _group_names(self) -> Sequence[str]:
        groups = self.predicate_groups
        return ('head', 'body', 'tail') if groups == 'vg150' else [*groups]

    def _largest_number(self) -> int:
        groups = self.predicate_groups
        return -1 if isinstance(groups, str) else F.largest_number(groups)

    def _groups(self, num_predicates: int) -> dict[str, np.ndarray]:
        """The numbers of the predicates of each group."""
        names = (self.dataset_meta or {}).get('predicates')
        groups = self.predicate_groups
        if isinstance(groups, str):
            groups = F.vg150_groups(names)
        return F.resolve_predicate_groups(groups, names, num_predicates)

    def _recall_of_images(self, relations: RelationRanks) -> dict:
        """What :attr:`image_recalls` holds."""
        recalls = {
            f'{metric}@{k}': relations.recall_of_images(metric, k)
            for metric in self.metrics
            if metric in KIND_OF
            and not metric.endswith(('mR', 'F', '-present'))
            for k in self.topk
        }
        return dict(img_id=relations.image_ids, **recalls)

    def _recall_of_predicates(self, relations: RelationRanks) -> dict:
        """What :attr:`predicate_recalls` holds."""
        num_predicates = relations.num_predicates
        names = (self.dataset_meta or {}).get('predicates')
        names = names or [str(i) for i in range(num_predicates)]
        recalls = {
            f'{title}@{k}': relations.recall_of_predicates(metric, k)
            for title, metric in (('R', 'mR'), ('ng-R', 'ng-mR'))
            if KIND_OF[metric] in self.kinds
            for k in self.topk
        }
        return dict(
            predicate=list(names), relations=relations.counts, **recalls
        )

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
        if triplets is None or not len(triplets):
            return num_predicates
        num_classes = len((self.dataset_meta or {}).get('classes') or ())
        for what, number, largest in (
            ('class', num_classes, triplets[:, :2].max()),
            ('predicate', num_predicates, triplets[:, 2].max()),
        ):
            if 0 < number <= largest:
                raise ValueError(
                    f'zero_shot_triplets reaches {what} {largest}, but there '
                    f'are {number}, counted from 0; subtract 1 from a list '
                    'counted from 1'
                )
        return num_predicates


def checked_topk(
    topk: int | str | Sequence[int | str], gt: bool = False
) -> tuple[Any, ...]:
    """The numbers K as a tuple, if all are positive.

    Args:
        topk: One number or several.
        gt: Whether 'gt' may be among them.

    Raises:
        ValueError: Where there is none, or one below 1.

    Examples:
        >>> checked_topk([20, 50])
        (20, 50)
    """
    numbers = (topk,) if isinstance(topk, int | str) else tuple(topk)
    positive = [isinstance(k, str) or k >= 1 for k in numbers]
    words = [k for k in numbers if isinstance(k, str) and (k, gt) != ('gt', 1)]
    if not numbers or not all(positive) or words:
        raise ValueError(f'topk must be positive numbers, got {topk}')
    return numbers


def predicate_table(recalls: Mapping[str, Any]) -> str:
    """A table with one line a predicate, the most frequent first.

    Args:
        recalls: :attr:`SceneGraphMetric.predicate_recalls`; nan is printed
            as a dash.

    Examples:
        >>> print(predicate_table({
        ...     'predicate': ['on', 'riding'], 'relations': np.array([0, 4]),
        ...     'R@20': np.array([np.nan, 0.25])}))
        predicate  relations    R@20
        riding             4  0.2500
        on                 0       -
    """
    names, counts, *columns = recalls.values()
    rows = [
        [
            names[number],
            str(counts[number]),
            *(
                '-' if np.isnan(column[number]) else f'{column[number]:.4f}'
                for column in columns
            ),
        ]
        for number in np.argsort(-counts, kind='stable')
    ]
    table = AsciiTable([list(recalls), *rows])
    table.outer_border = table.inner_column_border = False
    table.inner_heading_row_border = False
    table.padding_left, table.padding_right = 2, 0
    table.justify_columns = dict.fromkeys(range(1, len(recalls)), 'right')
    return textwrap.dedent(table.table)
