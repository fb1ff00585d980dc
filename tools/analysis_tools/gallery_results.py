"""The images of a result file: how well recalled, and as they are drawn."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmsgg.evaluation.functional import (
    NO_HIT,
    hit_ranks,
    predicted_graph,
    rank_triplets,
    true_graph,
)
from mmsgg.evaluation.functional.hit_ranks import triplet_scores
from mmsgg.structures import SGDataSample


class ImageResult(NamedTuple):
    """When each of the R relations of an image is hit."""

    index: int  # of the image in the file
    triplets: np.ndarray  # (R, 3) [subject class, object class, predicate]
    pairs: np.ndarray  # (R, 2) rows [subject, object] of the annotation
    ranks: np.ndarray  # (R,) of the first hit, from 0; NO_HIT without one

    def recall(self, k: int) -> float:
        """R@K of the image, nan without relations."""
        return float((self.ranks < k).mean()) if len(self.ranks) else np.nan

    def rank_of(self, row: int) -> int | None:
        """The place of the first hit, from 1; None where it is missed."""
        rank = int(self.ranks[row])
        return None if rank == NO_HIT else rank + 1


def image_results(
    samples: Sequence[Mapping[str, Any]], k: int, iou_thr: float = 0.5
) -> list[ImageResult]:
    """Match the images of a result file that have relations.

    Args:
        samples: Of :func:`mmsgg.evaluation.read_samples`.
        k: How many triplets of an image are judged, one a pair.
        iou_thr: The least overlap of the boxes.

    Returns:
        One entry for each image with relations.
    """
    results = []
    for index, sample in enumerate(samples):
        true = true_graph(sample)
        if len(true.pairs):
            ranks = hit_ranks(
                predicted_graph(sample), true, ('constrained',), k, iou_thr
            )
            results.append(
                ImageResult(
                    index, true.triplets, true.pairs, ranks['constrained']
                )
            )
    return results


def best_and_worst(
    results: Sequence[ImageResult], k: int, num: int
) -> tuple[list[ImageResult], list[ImageResult]]:
    """Choose the images with the highest and with the lowest R@K.

    Args:
        results: Of :func:`image_results`.
        k: Their R@K is compared; of equals, those with more relations come
            first, then the first in the file.
        num: How many of both kinds together; none is in both.

    Returns:
        The best, the best first, and the worst, the worst first.
    """
    num = min(num, len(results))
    ranking = sorted(results, key=lambda r: (-r.recall(k), -len(r.ranks)))
    best = ranking[: (num + 1) // 2]
    others = ranking[len(best) :]
    worst = sorted(others, key=lambda r: (r.recall(k), -len(r.ranks)))
    return best, worst[: num // 2]


def result_sample(sample: Mapping[str, Any], topk: int) -> SGDataSample:
    """Make a data sample of an entry of a result file.

    Args:
        sample: Of :func:`mmsgg.evaluation.read_samples`.
        topk: How many relations to keep, one a pair, the best first.

    Returns:
        Annotation and prediction, boxes in original-image pixels. The scores
        of the relations are subject score * object score * predicate
        probability.
    """
    true, predicted = true_graph(sample), predicted_graph(sample)
    made = SGDataSample()
    made.gt_instances = _data(bboxes=true.boxes, labels=true.labels)
    made.gt_relations = _data(pairs=true.pairs, labels=true.predicates)
    made.pred_instances = _data(
        bboxes=predicted.boxes,
        labels=predicted.labels,
        scores=predicted.scores,
    )
    rows, labels = rank_triplets(predicted, topk)
    made.pred_relations = _data(
        pairs=predicted.pairs[rows],
        labels=labels,
        scores=triplet_scores(predicted, rows, labels),
    )
    return made


def _data(**fields: Any) -> InstanceData:
    return InstanceData(
        **{name: torch.as_tensor(field) for name, field in fields.items()}
    )
