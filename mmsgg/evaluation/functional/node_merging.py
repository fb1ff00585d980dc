"""One node an object, one row a pair, of a graph that names things twice.

After Lorenz et al., "A Fair Ranking and New Model for Panoptic Scene Graph
Generation" (ECCV 2024): a one-stage method that predicts an object several
times, each time with other relations, must not gain from it.
"""

from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from mmsgg.structures.bbox import box_ious

from .masks import Masks, mask_ious, subtract_masks
from .scene_graphs import PredictedGraph


class Nodes(NamedTuple):
    """Which of N detections are one; M nodes."""

    node_of_detection: np.ndarray  # (N,), -1 where it is dropped
    cores: np.ndarray  # (M,) the detection that each node was made of
    masks: Masks | None  # M regions that do not overlap


def find_nodes(
    scores: np.ndarray, overlaps: np.ndarray, masks: Masks | None = None
) -> Nodes:
    """Which detections name the same thing, whatever their classes.

    By falling score, a detection that no node owns becomes a node, which owns
    every later detection without an owner that overlaps it by at least half.
    Of masks, the node takes the pixels that are free; a detection without an
    owner or a free pixel is dropped.

    Args:
        scores: (N,) scores of the detections.
        overlaps: (N, N) their IoU.
        masks: Their masks, if any.

    Returns:
        The nodes, best first.

    Examples:
        >>> import numpy as np
        >>> overlaps = np.array(
        ...     [[1, 0.6, 0], [0.6, 1, 0.7], [0, 0.7, 1]])
        >>> find_nodes(np.array([0.9, 0.8, 0.7]), overlaps)[:2]
        (array([0, 0, 1]), array([0, 2]))
    """
    order = np.argsort(-scores, kind='stable')
    owner = np.full(len(scores), -1)
    cores: list[int] = []
    regions: Masks = []
    for place, detection in enumerate(order.tolist()):
        if owner[detection] >= 0:
            continue
        if masks is not None:
            # of the nodes before it the pixels are those of their cores
            touched = np.flatnonzero(overlaps[detection, cores])
            near = [masks[cores[node]] for node in touched]
            free = subtract_masks(masks[detection], near)
            if not coco_mask.area(free):
                continue
            regions.append(free)
        later = order[place:]
        owned = (owner[later] < 0) & (overlaps[detection, later] >= 0.5)
        owner[later[owned]] = owner[detection] = len(cores)
        cores.append(detection)
    return Nodes(
        owner,
        np.array(cores, dtype=np.int64),
        None if masks is None else regions,
    )


def merge_nodes(predicted: PredictedGraph) -> tuple[PredictedGraph, int]:
    """The graph of the nodes of :func:`find_nodes`.

    A node has the class, score and box of its best detection. Both ends of a
    pair may become the same node; the pair stays.

    Args:
        predicted: The prediction; its masks decide where it has some, else
            its boxes (without +1).

    Returns:
        The graph of M nodes, pairs in their order without those of dropped
        detections; and how many detections are no node any more.
    """
    masks = predicted.masks
    if masks is None:
        overlaps = box_ious(predicted.boxes, predicted.boxes, last_pixel=0)
    else:
        overlaps = mask_ious(masks, masks)
    nodes = find_nodes(predicted.scores, overlaps, masks)
    pairs = nodes.node_of_detection[predicted.pairs]  # (K, 2)
    kept = np.flatnonzero((pairs >= 0).all(axis=1))
    graph = predicted.keep_pairs(kept)._replace(
        boxes=predicted.boxes[nodes.cores],
        labels=predicted.labels[nodes.cores],
        scores=predicted.scores[nodes.cores],
        pairs=pairs[kept],
        masks=nodes.masks,
    )
    return graph, len(predicted.labels) - len(nodes.cores)


def merge_pairs(predicted: PredictedGraph, keep: str) -> PredictedGraph:
    """The graph with one row for each pair of nodes.

    Args:
        predicted: The prediction.
        keep: What the row of a pair that comes several times is: 'first', its
            first one by score; 'max', the one with the highest probability of
            any predicate, in its place; 'ng', in the place of the first one,
            the highest probability of each predicate and the mean weight.

    Returns:
        The graph, pairs best first.

    Examples:
        >>> import numpy as np
        >>> graph = PredictedGraph(
        ...     np.zeros((2, 4)), np.zeros(2), np.ones(2),
        ...     np.array([[0, 1], [1, 0], [0, 1]]),
        ...     np.array([[0.5, 0.1], [0.3, 0.2], [0.2, 0.6]]))
        >>> for keep in ('first', 'max', 'ng'):
        ...     merge_pairs(graph, keep).predicate_scores.tolist()
        [[0.5, 0.1], [0.3, 0.2]]
        [[0.3, 0.2], [0.2, 0.6]]
        [[0.5, 0.6], [0.3, 0.2]]
    """
    if len(predicted.pairs) == 0:
        return predicted
    if predicted.pair_scores is not None:
        order = np.argsort(-predicted.pair_scores, kind='stable')
        predicted = predicted.keep_pairs(order)._replace(pair_scores=None)
    keys = predicted.pairs @ [len(predicted.scores), 1]  # (K,)
    table = predicted.predicate_scores
    # rows of one pair side by side, the one whose place is kept first
    best = -table.max(axis=1) if keep == 'max' else np.zeros(len(keys))
    order = np.lexsort((best, keys))
    starts = np.unique(keys[order], return_index=True)[1]
    kept = order[starts]
    if keep == 'ng':
        table, weights = table.copy(), predicted.pair_weights
        table[kept] = np.maximum.reduceat(table[order], starts)
        if weights is not None:
            sizes = np.diff([*starts, len(order)])
            weights = weights.copy()
            weights[kept] = np.add.reduceat(weights[order], starts) / sizes
        predicted = predicted._replace(
            predicate_scores=table, pair_weights=weights
        )
    return predicted.keep_pairs(np.sort(kept))


def foreground_weights(predicted: PredictedGraph) -> np.ndarray:
    """Probability (K,) that a pair is related at all, 1 - P(background).

    Args:
        predicted: The prediction, with probabilities of a softmax that ran
            with background.

    Returns:
        The sum of the probabilities of a row.

    Raises:
        ValueError: Where they sum up to more than 1.

    Examples:
        >>> import numpy as np
        >>> graph = PredictedGraph(
        ...     np.zeros((2, 4)), np.zeros(2), np.ones(2),
        ...     np.array([[0, 1]]), np.array([[0.5, 0.25]]))
        >>> foreground_weights(graph)
        array([0.75])
    """
    if predicted.predicate_scores.ndim < 2:  # no pairs, no columns
        return np.zeros(len(predicted.pairs))
    sums = predicted.predicate_scores.astype(np.float64).sum(axis=1)
    if sums.max(initial=0) > 1.001:
        raise ValueError(
            'the probabilities of the predicates of a pair sum up to '
            f'{sums.max():.3f}, so that they do not say how probable the '
            'background is; take rules=dict(candidate_score='
            "'probability')"
        )
    return sums
