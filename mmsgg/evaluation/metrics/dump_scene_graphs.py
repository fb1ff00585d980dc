"""Keeping the predictions of a test run in a file of moderate size."""

import pickle
from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import DumpResults
from mmengine.fileio import dump
from mmengine.logging import print_log

from mmsgg.registry import METRICS

from ..functional import needed_pairs
from .metric_names import checked_topk
from .sample_graphs import predicted_graph, true_graph

_META = ('img_id', 'img_path', 'ori_shape')


@METRICS.register_module()
class DumpSceneGraphs(DumpResults):
    """As mmengine's ``DumpResults``, with only the pairs that metrics need.

    Every metric at K <= ``topk`` is the same as on all pairs, see
    :func:`~mmsgg.evaluation.functional.needed_pairs`. An image takes about 25
    kB for 50 predicates and ``topk=100``, where all 4032 pairs of 64
    detections take 0.8 MB. The first process holds all images in memory when
    the file is written.

    The file is a pickled list of one dict an image: ``img_id, img_path,
    ori_shape, topk`` and, as numpy arrays, ``gt_instances {bboxes, labels}``,
    ``gt_relations {pairs, labels}``, ``pred_instances {bboxes, labels,
    scores}``, ``pred_relations {pairs, predicate_scores[, scores]}``.

    Args:
        out_file_path: The file to write, ``.pkl`` or ``.pickle``.
        topk: The largest K that the file has to serve.
        collect_device: 'cpu' or 'gpu', see mmengine.
        collect_dir: Where processes exchange their results on 'cpu'.

    Examples:
        >>> test_evaluator = [
        ...     dict(type='SceneGraphMetric'),
        ...     dict(type='DumpSceneGraphs', out_file_path='preds.pkl')]
    """

    default_prefix = ''

    def __init__(
        self,
        out_file_path: str,
        topk: int = 100,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(out_file_path, collect_device, collect_dir)
        [self.topk] = checked_topk(topk)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what is needed of each image.

        Args:
            data_batch: Not used.
            data_samples: One dict an image, as for ``SceneGraphMetric``.
        """
        self.results.extend(map(self._compact, data_samples))

    def compute_metrics(self, results: list[dict]) -> dict:
        """Write the file.

        Args:
            results: One entry an image.

        Returns:
            No numbers.
        """
        # mmengine's default, protocol 2, takes 1.4 times the space
        dump(results, self.out_file_path, protocol=pickle.HIGHEST_PROTOCOL)
        print_log(f'Wrote {self.out_file_path}', logger='current')
        return {}

    def _compact(self, sample: dict) -> dict:
        """What is kept of one image."""
        true, predicted = true_graph(sample), predicted_graph(sample)
        rows = needed_pairs(predicted, true, self.topk)
        relations = dict(
            pairs=predicted.pairs[rows],
            predicate_scores=predicted.predicate_scores[rows],
        )
        if predicted.pair_scores is not None:
            relations['scores'] = predicted.pair_scores[rows]
        return dict(
            {key: sample[key] for key in _META if key in sample},
            topk=self.topk,
            gt_instances=dict(bboxes=true.boxes, labels=true.labels),
            gt_relations=dict(pairs=true.pairs, labels=true.predicates),
            pred_instances=dict(
                bboxes=predicted.boxes,
                labels=predicted.labels,
                scores=predicted.scores,
            ),
            pred_relations=relations,
        )
