"""Pure numpy functions of scene graph evaluation."""

from .box_overlap import box_iou
from .graph_ranks import PredictedGraph, TrueGraph, graph_ranks
from .ranking import rank_candidates, rank_pairs, stable_topk
from .recall import (
    image_recall,
    mean_predicate_recall,
    pooled_recall,
    predicate_recall,
)
from .triplet_matching import (
    NEVER,
    first_hits,
    match_objects,
    match_triplets,
)
from .triplet_membership import in_triplets

__all__ = [
    'NEVER',
    'PredictedGraph',
    'TrueGraph',
    'box_iou',
    'first_hits',
    'graph_ranks',
    'image_recall',
    'in_triplets',
    'match_objects',
    'match_triplets',
    'mean_predicate_recall',
    'pooled_recall',
    'predicate_recall',
    'rank_candidates',
    'rank_pairs',
    'stable_topk',
]
