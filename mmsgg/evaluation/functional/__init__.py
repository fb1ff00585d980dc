"""Functions of scene graph evaluation on numpy arrays."""

from .average_precision import (
    CANDIDATES,
    Candidates,
    average_precision,
    image_candidates,
    mean_average_precision,
    predicate_precisions,
    true_positives,
)
from .graph_match import GraphMatch, match_graphs
from .hit_ranks import HIT_KINDS, first_triplets, hit_ranks, ranks_of_match
from .hoi_precision import (
    Interactions,
    image_interactions,
    interaction_precisions,
)
from .instance_recall import (
    instance_recall,
    mean_predicate_rank,
    pair_ranks,
    predicate_ranks,
)
from .judged_image import judge_image
from .masks import (
    decode_masks,
    encode_masks,
    mask_ious,
    masks_of,
    pack_masks,
    subtract_masks,
)
from .matching import (
    NO_HIT,
    exclusive_hits,
    first_hits,
    match_objects,
    match_triplets,
)
from .node_merging import (
    find_nodes,
    foreground_weights,
    merge_nodes,
    merge_pairs,
)
from .predicate_accuracy import predicate_accuracy
from .predicate_groups import (
    PredicateGroups,
    largest_number,
    resolve_predicate_groups,
    vg150_groups,
)
from .protocols import (
    PROTOCOLS,
    Protocol,
    evaluation_report,
    find_protocol,
    hash_ids,
)
from .ranking import (
    annotated_pairs,
    best_candidates,
    rank_candidates,
    rank_pairs,
    rank_triplets,
    stable_topk,
)
from .recall import (
    group_mean_recall,
    harmonic_mean,
    image_recall,
    pooled_predicate_recall,
    pooled_recall,
    predicate_recall,
    recall_of_images,
)
from .rules import Rules
from .scene_graphs import (
    PredictedGraph,
    TrueGraph,
    check_finite,
    predicted_graph,
    true_graph,
)
from .zero_shot import in_triplets, read_zero_shot_triplets

__all__ = [
    'CANDIDATES',
    'HIT_KINDS',
    'NO_HIT',
    'PROTOCOLS',
    'Candidates',
    'GraphMatch',
    'Interactions',
    'PredicateGroups',
    'PredictedGraph',
    'Protocol',
    'Rules',
    'TrueGraph',
    'annotated_pairs',
    'average_precision',
    'best_candidates',
    'check_finite',
    'decode_masks',
    'encode_masks',
    'evaluation_report',
    'exclusive_hits',
    'find_nodes',
    'find_protocol',
    'first_hits',
    'first_triplets',
    'foreground_weights',
    'group_mean_recall',
    'harmonic_mean',
    'hash_ids',
    'hit_ranks',
    'image_candidates',
    'image_interactions',
    'image_recall',
    'in_triplets',
    'instance_recall',
    'interaction_precisions',
    'judge_image',
    'largest_number',
    'mask_ious',
    'masks_of',
    'match_graphs',
    'match_objects',
    'match_triplets',
    'mean_average_precision',
    'mean_predicate_rank',
    'merge_nodes',
    'merge_pairs',
    'pack_masks',
    'pair_ranks',
    'pooled_predicate_recall',
    'pooled_recall',
    'predicate_accuracy',
    'predicate_precisions',
    'predicate_ranks',
    'predicate_recall',
    'predicted_graph',
    'rank_candidates',
    'rank_pairs',
    'rank_triplets',
    'ranks_of_match',
    'read_zero_shot_triplets',
    'recall_of_images',
    'resolve_predicate_groups',
    'stable_topk',
    'subtract_masks',
    'true_graph',
    'true_positives',
    'vg150_groups',
]
