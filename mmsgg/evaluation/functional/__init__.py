"""Functions of scene graph evaluation on numpy arrays."""

from .hit_ranks import PROTOCOLS, hit_ranks
from .matching import (
    NO_HIT,
    exclusive_hits,
    first_hits,
    match_objects,
    match_triplets,
    pair_overlap,
    phrase_overlap,
)
from .predicate_groups import (
    PredicateGroups,
    largest_number,
    resolve_predicate_groups,
)
from .ranking import (
    annotated_pairs,
    rank_candidates,
    rank_pairs,
    rank_triplets,
    stable_topk,
)
from .recall import (
    group_mean_recall,
    harmonic_mean,
    image_recall,
    mean_predicate_recall,
    pooled_recall,
    predicate_recall,
    recall_of_images,
)
from .scene_graphs import (
    PredictedGraph,
    TrueGraph,
    check_finite,
    predicted_graph,
    true_graph,
)
from .zero_shot import in_triplets, read_zero_shot_triplets

__all__ = [
    'NO_HIT',
    'PROTOCOLS',
    'PredicateGroups',
    'PredictedGraph',
    'TrueGraph',
    'annotated_pairs',
    'check_finite',
    'exclusive_hits',
    'first_hits',
    'group_mean_recall',
    'harmonic_mean',
    'hit_ranks',
    'image_recall',
    'in_triplets',
    'largest_number',
    'match_objects',
    'match_triplets',
    'mean_predicate_recall',
    'pair_overlap',
    'phrase_overlap',
    'pooled_recall',
    'predicate_recall',
    'predicted_graph',
    'rank_candidates',
    'rank_pairs',
    'rank_triplets',
    'read_zero_shot_triplets',
    'recall_of_images',
    'resolve_predicate_groups',
    'stable_topk',
    'true_graph',
]
