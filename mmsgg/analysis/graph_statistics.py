"""What a data set of scene graphs is made of, in numbers."""

from dataclasses import dataclass

import numpy as np

from mmsgg.datasets import SceneGraphArrays


@dataclass(frozen=True)
class GraphStatistics:
    """Counts over the images of a data set.

    Args:
        num_images: N.
        num_related_images: Images with a relation.
        objects_an_image: (N,) int64.
        relations_an_image: (N,) int64.
        num_pairs: Different [subject, object] pairs with a relation.
        num_multi_pairs: Those with several different predicates.
        class_counts: (C,) int64 boxes of each class.
        predicate_counts: (P,) int64 relations of each predicate.
        triplets: (T, 3) int64 different [subject class, object class,
            predicate], the most frequent first.
        triplet_counts: (T,) int64 relations of each.
    """

    num_images: int
    num_related_images: int
    objects_an_image: np.ndarray
    relations_an_image: np.ndarray
    num_pairs: int
    num_multi_pairs: int
    class_counts: np.ndarray
    predicate_counts: np.ndarray
    triplets: np.ndarray
    triplet_counts: np.ndarray

    @property
    def multi_share(self) -> float:
        """Share of the related pairs that have several predicates."""
        return self.num_multi_pairs / max(self.num_pairs, 1)

    def predicates_for(self, share: float) -> int:
        """How many predicates make up a share of the relations.

        Args:
            share: A fraction.
        """
        counts = np.sort(self.predicate_counts)[::-1]
        reached = np.cumsum(counts) >= share * counts.sum()
        return int(reached.argmax()) + 1


def graph_statistics(
    graphs: SceneGraphArrays, num_classes: int, num_predicates: int
) -> GraphStatistics:
    """Count.

    Args:
        graphs: Scene graphs.
        num_classes: Object classes C.
        num_predicates: Predicates P.
    """
    ends = graphs.global_pairs()  # box rows tell the image too
    named = np.unique(np.column_stack([ends, graphs.predicates]), axis=0)
    _, predicates_a_pair = np.unique(named[:, :2], axis=0, return_counts=True)
    triplets, counts = np.unique(graphs.triplets(), axis=0, return_counts=True)
    order = np.argsort(-counts, kind='stable')
    return GraphStatistics(
        num_images=len(graphs),
        num_related_images=int((graphs.relation_counts > 0).sum()),
        objects_an_image=graphs.box_counts,
        relations_an_image=graphs.relation_counts,
        num_pairs=len(predicates_a_pair),
        num_multi_pairs=int((predicates_a_pair > 1).sum()),
        class_counts=np.bincount(graphs.labels, minlength=num_classes),
        predicate_counts=np.bincount(
            graphs.predicates, minlength=num_predicates
        ),
        triplets=triplets[order],
        triplet_counts=counts[order],
    )
