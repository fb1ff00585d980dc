"""Files of what a test found, to score or to train on later."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmdet.evaluation
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.fileio import dump
from mmengine.logging import print_log

from mmsgg.fileio import write_records
from mmsgg.registry import METRICS

from .. import functional as F
from .scene_graph_metric import checked_topk


@METRICS.register_module()
class DumpProposals(mmdet.evaluation.DumpProposals):
    """mmdet's metric, which here writes no pickle.

    Args:
        output_dir: Folder of the file.
        proposals_file: Its name, ``.npz``.
        **kwargs: Of mmdet's metric.

    Raises:
        ValueError: If the name has another ending.

    Examples:
        >>> test_evaluator = dict(
        ...     type='DumpProposals', proposals_file='data/proposals.npz')
    """

    def __init__(
        self,
        output_dir: str = '',
        proposals_file: str = 'proposals.npz',
        **kwargs: Any,
    ) -> None:
        if not proposals_file.endswith('.npz'):
            raise ValueError(f"'{proposals_file}' does not end in .npz")
        # mmdet's insists on a pickle
        super().__init__(output_dir, 'any.pkl', **kwargs)
        self.proposals_file = str(Path(output_dir, proposals_file))

    def compute_metrics(self, results: list[dict]) -> dict:
        """Write the file.

        Args:
            results: One entry an image.

        Returns:
            No numbers.
        """
        records = [
            dict(img_name=name, proposals=dict(found.items()))
            for result in results
            for name, found in result.items()
        ]
        write_records(self.proposals_file, records)
        print_log(f'Wrote {self.proposals_file}', logger='current')
        return {}


_META = ('img_id', 'img_path', 'ori_shape')


@METRICS.register_module()
class DumpSceneGraphs(BaseMetric):
    """As mmengine's ``DumpResults``, with only the pairs that metrics need.

    Every metric at K <= ``topk`` is the same as on all pairs. An image takes
    about 25 kB for 50 predicates and ``topk=100``, where all 4032 pairs of 64
    detections take 0.8 MB. The first process holds all images in memory when
    the file is written.

    The file gives a list of one dict an image: ``img_id, img_path,
    ori_shape, topk`` and, as numpy arrays, ``gt_instances {bboxes, labels}``,
    ``gt_relations {pairs, labels}``, ``pred_instances {bboxes, labels,
    scores}``, ``pred_relations {pairs, predicate_scores[, scores]}``. Where
    both instances have masks, they are kept as
    :func:`~mmsgg.evaluation.functional.pack_masks` makes them.

    Args:
        out_file_path: The file to write, ``.npz``, or a pickle, which ends in
            ``.pkl`` or ``.pickle``.
        topk: The largest K that the file has to serve; None keeps all pairs,
            which 'psg-fair', 'sgbench' and ``topk='gt'`` need.
        collect_device: 'cpu' or 'gpu', see mmengine.
        collect_dir: Where processes exchange their results on 'cpu'.

    Examples:
        >>> test_evaluator = [
        ...     dict(type='SceneGraphMetric'),
        ...     dict(type='DumpSceneGraphs', out_file_path='preds.npz')]
    """

    default_prefix = ''

    def __init__(
        self,
        out_file_path: str,
        topk: int | None = 100,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, collect_dir=collect_dir)
        if not out_file_path.endswith(('.npz', '.pkl', '.pickle')):
            raise ValueError(f"'{out_file_path}' does not end in .npz")
        self.out_file_path = out_file_path
        self.topk = topk
        if topk is not None:
            [self.topk] = checked_topk(topk)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what is needed of each image.

        Args:
            data_batch: Not used.
            data_samples: One dict an image, as for ``SceneGraphMetric``.

        Raises:
            ValueError: Where a score or a box is not finite.
        """
        self.results.extend(map(self._compact, data_samples))

    def compute_metrics(self, results: list[dict]) -> dict:
        """Write the file.

        Args:
            results: One entry an image.

        Returns:
            No numbers.
        """
        if self.out_file_path.endswith('.npz'):
            write_records(self.out_file_path, results)
        else:
            # mmengine's default, protocol 2, takes 1.4 times the space
            dump(results, self.out_file_path, protocol=pickle.HIGHEST_PROTOCOL)
        print_log(f'Wrote {self.out_file_path}', logger='current')
        return {}

    def _compact(self, sample: dict) -> dict:
        """What is kept of one image."""
        F.check_finite(sample)
        true, predicted = F.true_graph(sample), F.predicted_graph(sample)
        kept = predicted
        if self.topk is not None:
            kept = kept.keep_pairs(_ranked_pairs(predicted, true, self.topk))
        relations = dict(
            pairs=kept.pairs, predicate_scores=kept.predicate_scores
        )
        if kept.pair_scores is not None:
            relations['scores'] = kept.pair_scores
        meta = {key: sample[key] for key in _META if key in sample}
        if self.topk is not None:
            meta['topk'] = self.topk
        gt_masks, pred_masks = _packed_masks(sample)
        return dict(
            meta,
            gt_instances=dict(
                bboxes=true.boxes, labels=true.labels, **gt_masks
            ),
            gt_relations=dict(pairs=true.pairs, labels=true.predicates),
            pred_instances=dict(
                bboxes=kept.boxes,
                labels=kept.labels,
                scores=kept.scores,
                **pred_masks,
            ),
            pred_relations=relations,
        )


def _packed_masks(sample: dict) -> tuple[dict, dict]:
    """The masks of the annotation and of the prediction, or nothing."""
    masks = [
        F.masks_of(sample[name]) for name in ('gt_instances', 'pred_instances')
    ]
    if any(found is None for found in masks):
        return {}, {}
    truth, prediction = (F.pack_masks(F.encode_masks(m)) for m in masks)
    return truth, prediction


def _ranked_pairs(
    predicted: F.PredictedGraph, true: F.TrueGraph, k: int
) -> np.ndarray:
    """The pairs that can come among the first k triplets of any protocol.

    What the protocols judge is a subset of: the first k pairs by their
    scores, the k pairs whose best candidate scores highest, and, for A, the
    pairs that the annotation relates. With these pairs alone, in their
    order, every metric at K <= k is the same.

    Args:
        predicted: The prediction.
        true: The annotation.
        k: The largest K to be evaluated.

    Returns:
        (k',) indices of the pairs, ascending; k' is little more than k.

    Examples:
        >>> predicted = F.PredictedGraph(
        ...     np.zeros((3, 4)), np.zeros(3), np.array([1.0, 1.0, 0.1]),
        ...     np.array([[0, 2], [0, 1], [1, 0]]),
        ...     np.array([[0.9, 0.1], [0.5, 0.4], [0.1, 0.2]]))
        >>> true = F.TrueGraph(
        ...     np.zeros((1, 4)), np.zeros(1), np.zeros((0, 2), int),
        ...     np.zeros(0, int))
        >>> _ranked_pairs(predicted, true, k=1)
        array([0, 1])
    """
    if predicted.predicate_scores.size == 0:
        return np.arange(0)
    subjects, objects = predicted.pairs.T
    scores = predicted.scores[subjects] * predicted.scores[objects]
    best = F.best_candidates(scores, predicted.predicate_scores)
    kept = [F.rank_triplets(predicted, k)[0], F.stable_topk(best, k)]
    if len(predicted.boxes) == len(true.boxes):  # else nobody may ask for A
        kept.append(F.annotated_pairs(predicted, true))
    return np.unique(np.concatenate(kept))
