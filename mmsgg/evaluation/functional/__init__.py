"""Pure numpy functions of scene graph evaluation."""

from .box_overlap import box_iou
from .graph_ranks import RANKINGS, graph_ranks
from .graphs import PredictedGraph, TrueGraph
from .needed_pairs import needed_pairs
from .predicate_groups import largest_number, resolve_predicate_groups
from .ranking import rank_candidates, rank_pairs, stable_topk
from .recall import (
    group_mean_recall,
    harmonic_mean,
    image_recall,
    mean_predicate_recall,
    pooled_recall,
    predicate_recall,
    recall_of_images,
)
from .relation_overlap import pair_overlap, phrase_overlap, union_boxes
from .triplet_matching import (
    NEVER,
    exclusive_hits,
    first_hits,
    match_objects,
    match_triplets,
)
from .triplet_membership import in_triplets
from .triplet_orders import annotated_pairs, few_a_pair

__all__ = [
    'NEVER',
    'RANKINGS',
    'PredictedGraph',
    'TrueGraph',
    'annotated_pairs',
    'box_iou',
    'exclusive_hits',
    'few_a_pair',
    'first_hits',
    'graph_ranks',
    'group_mean_recall',
    'harmonic_mean',
    'image_recall',
    'in_triplets',
    'largest_number',
    'match_objects',
    'match_triplets',
    'mean_predicate_recall',
    'needed_pairs',
    'pair_overlap',
    'phrase_overlap',
    'pooled_recall',
    'predicate_recall',
    'rank_candidates',
    'rank_pairs',
    'recall_of_images',
    'resolve_predicate_groups',
    'stable_topk',
    'union_boxes',
]
