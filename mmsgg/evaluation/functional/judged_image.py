"""What an evaluation keeps of an image: a few numbers a relation."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from .average_precision import image_candidates
from .graph_match import match_graphs
from .hit_ranks import ranks_of_match
from .instance_recall import instance_recall, pair_ranks, predicate_ranks
from .node_merging import foreground_weights, merge_nodes, merge_pairs
from .rules import Rules
from .scene_graphs import PredictedGraph, TrueGraph


def judge_image(
    predicted: PredictedGraph,
    true: TrueGraph,
    rules: Rules,
    kinds: tuple[str, ...],
    others: Collection[str] = (),
    topk: Sequence[int | str] = (100,),
) -> dict[str, Any]:
    """When each relation is hit, and what else is measured.

    Args:
        predicted: The prediction.
        true: The annotation.
        rules: The rules to follow.
        kinds: The kinds of hits, see :func:`~.hit_ranks.ranks_of_match`.
        others: Any of ``InstR, PRank, PairR, AP``.
        topk: The numbers K; 'gt' is as many as pairs are related.

    Returns:
        ``triplets`` (R, 3); ``ranks`` (R,) for each kind; ``gt_pairs``, how
        many pairs are related; ``left_out``, see
        ``Rules.without_prediction``; ``repeated`` relations that do not
        count; ``merged`` detections; and the others under their names.

    Examples:
        >>> import numpy as np
        >>> boxes = np.array([[0, 0, 9, 9], [5, 5, 19, 19]])
        >>> labels, pairs = np.array([3, 4]), np.array([[1, 0]])
        >>> true = TrueGraph(boxes, labels, pairs, np.array([1]))
        >>> predicted = PredictedGraph(
        ...     boxes, labels, np.ones(2), pairs, np.array([[0.1, 0.6]]))
        >>> entry = judge_image(predicted, true, Rules(), ('constrained',))
        >>> entry['triplets'].tolist(), entry['ranks']['constrained']
        ([[4, 3, 1]], array([0]))
    """
    number = len(true.pairs)
    if rules.unique_relations:
        true = true.unique_relations()
    nothing = len(predicted.pairs) == 0
    if rules.without_prediction == 'skip-mR':
        nothing = len(predicted.labels) == 0
    predicted, merged = _merged(predicted, rules)
    match = match_graphs(predicted, true, rules)
    gt_pairs = len({tuple(pair) for pair in true.pairs.tolist()})
    k = max(gt_pairs if k == 'gt' else int(k) for k in topk)
    entry = dict(
        triplets=true.triplets,
        ranks=ranks_of_match(match, kinds, k),
        gt_pairs=gt_pairs,
        left_out=nothing and rules.without_prediction != 'zero',
        repeated=number - len(true.pairs),
        merged=merged,
    )
    if 'InstR' in others:
        entry['InstR'] = instance_recall(match)
    if 'PRank' in others:
        entry['PRank'] = predicate_ranks(match)
    if 'PairR' in others:
        entry['PairR'] = pair_ranks(match, k)
    if 'AP' in others:
        entry['AP'] = image_candidates(match)
    return entry


def _merged(
    predicted: PredictedGraph, rules: Rules
) -> tuple[PredictedGraph, int]:
    """The prediction as the rules judge it, and how many nodes they merged."""
    if rules.candidate_score == 'foreground':
        weights = foreground_weights(predicted)
        predicted = predicted._replace(pair_weights=weights)
    elif rules.candidate_score == 'probability':
        ones = np.ones(len(predicted.pairs))
        predicted = predicted._replace(pair_weights=ones)
    merged = 0
    if rules.merge_nodes:
        predicted, merged = merge_nodes(predicted)
    if rules.repeated_pairs != 'all':
        predicted = merge_pairs(predicted, rules.repeated_pairs)
    return predicted, merged
