"""IETrans: relations of frequent predicates become ones of rare predicates."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mmsgg.structures.bbox import boxes_overlap

from .scene_graph_arrays import SceneGraphArrays, offsets_from_counts


class Candidates(NamedTuple):
    """Pairs without a relation, M of them, and the predicate each could get.

    Args:
        images: (M,) their images.
        pairs: (M, 2) [subject, object], counted within the image.
        predicates: (M,) the likeliest that their classes have in training.
        unrelated: (M,) how probable it is, beside those predicates, that they
            are unrelated.
    """

    images: np.ndarray
    pairs: np.ndarray
    predicates: np.ndarray
    unrelated: np.ndarray


def transfer_internally(
    graphs: SceneGraphArrays,
    probabilities: np.ndarray,
    share: float = 0.7,
) -> np.ndarray:
    """Say which predicate each relation has after the internal transfer.

    Zhang et al., ECCV 2022, as their code has it. A triplet of classes s, o
    and predicate p attracts relations by the share of all relations of p that
    are between s and o. It draws on the predicates q of the same classes

    - that the model finds likelier than p, on average over its relations,
    - and that are less attracted to these classes than p is.

    Of the relations of all these q, those where p is likeliest are given to
    p. What several predicates would take goes to the one that attracts most.

    Args:
        graphs: The training set.
        probabilities: (R, P) of the predicates of each relation, by a model,
            without background; 0 where it judged none, which stays.
        share: How many of the relations that p draws on it gets, rounded
            down.

    Returns:
        (R,) predicates.
    """
    num_predicates = probabilities.shape[1]
    per_predicate = np.bincount(graphs.predicates, minlength=num_predicates)
    predicates = graphs.predicates.copy()
    attraction = np.zeros(len(predicates))  # of what it was given to
    classes = graphs.triplets()[:, :2]
    judged = np.flatnonzero(probabilities.any(axis=1))
    _, group = np.unique(classes[judged], axis=0, return_inverse=True)
    order = np.argsort(group, kind='stable')
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    for rows in np.split(judged[order], cuts):
        counts = np.bincount(graphs.predicates[rows], minlength=num_predicates)
        shares = counts / per_predicate.clip(min=1)
        for p in np.flatnonzero(counts):
            own = rows[graphs.predicates[rows] == p]
            mean = probabilities[own].mean(axis=0)
            drawn_on = (mean > mean[p]) & (shares < shares[p])
            sources = rows[drawn_on[graphs.predicates[rows]]]
            best = np.argsort(-probabilities[sources, p], kind='stable')
            taken = sources[best[: int(len(sources) * share)]]
            taken = taken[attraction[taken] < shares[p]]
            predicates[taken] = p
            attraction[taken] = shares[p]
    return predicates


def external_candidates(
    graphs: SceneGraphArrays,
    image: int,
    pairs: np.ndarray,
    scores: np.ndarray,
    known: np.ndarray,
) -> Candidates:
    """List the pairs of an image that the external transfer can relate.

    They have no relation in this direction, their boxes overlap, and their
    classes have a predicate in training.

    Args:
        graphs: The training set.
        image: Its image.
        pairs: (K, 2) the pairs that a model judged.
        scores: (K, P) probabilities of their predicates; what is missing to
            1 is that they are unrelated.
        known: (C, C, P) of :func:`count_triplets`.
    """
    first = graphs.box_starts[image]
    rows = slice(*graphs.relation_starts[image : image + 2])
    size = graphs.box_counts[image]
    related = np.zeros((size, size), dtype=bool)
    related[tuple(graphs.pairs[rows].T)] = True
    boxes, labels = graphs.boxes[first + pairs], graphs.labels[first + pairs]
    possible = known[tuple(labels.T)] > 0  # (K, P)
    open_ = (
        ~related[tuple(pairs.T)]
        & possible.any(axis=1)
        & boxes_overlap(boxes[:, 0], boxes[:, 1])
    )
    pairs, scores, possible = pairs[open_], scores[open_], possible[open_]
    unrelated = np.maximum(1 - scores.sum(axis=1), 0)
    scores = np.where(possible, scores, 0)
    total = np.maximum(scores.sum(axis=1) + unrelated, 1e-12)
    best = np.where(possible, scores, -1).argmax(axis=1)
    return Candidates(
        np.full(len(pairs), image), pairs, best, unrelated / total
    )


def transfer_externally(
    graphs: SceneGraphArrays,
    candidates: Candidates,
    num_predicates: int,
    share: float = 1.0,
    num_frequent: int = 15,
) -> np.ndarray:
    """Say which candidates become relations in the external transfer.

    Args:
        graphs: The training set, before any transfer.
        candidates: Of all images.
        num_predicates: P.
        share: How many of them, the least probably unrelated first, rounded
            down.
        num_frequent: Of the most frequent predicates so many get none.

    Returns:
        (M',) rows of the candidates, ascending.
    """
    counts = np.bincount(graphs.predicates, minlength=num_predicates)
    frequent = np.argsort(-counts, kind='stable')[:num_frequent]
    order = np.argsort(candidates.unrelated, kind='stable')
    taken = np.sort(order[: int(len(order) * share)])
    return taken[~np.isin(candidates.predicates[taken], frequent)]


def add_relations(
    graphs: SceneGraphArrays,
    images: np.ndarray,
    pairs: np.ndarray,
    predicates: np.ndarray,
) -> SceneGraphArrays:
    """Put M more relations behind those that their images have.

    Args:
        graphs: The graphs.
        images: (M,) where they belong.
        pairs: (M, 2) counted within the image.
        predicates: (M,).
    """
    own = np.repeat(np.arange(len(graphs)), graphs.relation_counts)
    images = np.concatenate([own, images])
    order = np.argsort(images, kind='stable')
    counts = np.bincount(images, minlength=len(graphs))
    return replace(
        graphs,
        pairs=np.concatenate([graphs.pairs, pairs])[order],
        predicates=np.concatenate([graphs.predicates, predicates])[order],
        relation_starts=offsets_from_counts(counts),
    )
