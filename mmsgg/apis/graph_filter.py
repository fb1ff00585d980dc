"""Less of a predicted scene graph: what a user wants to see of it."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import box_ious

Wanted = Collection[str | int] | None


class _Columns(NamedTuple):
    """A graph as arrays: N objects, K triplets."""

    boxes: np.ndarray  # (N, 4) original-image pixels
    scores: np.ndarray  # (N,)
    wanted_objects: np.ndarray  # (N,) bool
    pairs: np.ndarray  # (K, 2) [subject, object], indices of the objects
    triplet_scores: np.ndarray  # (K,)
    wanted_triplets: np.ndarray  # (K,) bool


class _Kept(NamedTuple):
    """What is left: n objects, k triplets."""

    objects: np.ndarray  # (n,) indices of the objects, in their order
    triplets: np.ndarray  # (k,) indices of the triplets, best first
    pairs: np.ndarray  # (k, 2) indices of the objects they are between now
    scores: np.ndarray  # (k,) their scores now


def filter_graph(
    graph: Mapping[str, Any],
    score_thr: float = 0.0,
    topk: int | None = None,
    classes: Wanted = None,
    predicates: Wanted = None,
    merge_iou: float | None = None,
) -> dict[str, Any]:
    """Keep part of a graph; a pure function, cheap enough for a slider.

    Objects of other classes and triplets of other predicates go first, then
    duplicates are merged, then the threshold and the limit apply. Objects
    keep their ids. A triplet goes with either of its objects.

    Args:
        graph: From :func:`mmsgg.evaluation.graph_to_dict`.
        score_thr: The least score of objects and triplets. A triplet's score
            is a product of probabilities, its objects' among them, so that
            no triplet above it loses an object.
        topk: The most triplets; all by default. Objects stay.
        classes: Names or numbers of the object classes to keep.
        predicates: Names or numbers of the predicates to keep.
        merge_iou: Boxes that overlap so much are one object, whatever their
            classes; the one with the best score stands for the others. Of
            the pairs that become one, the one with the best triplet stays,
            its score multiplied anew from the objects that stand.

    Returns:
        A graph alike; the one given is not changed.

    Examples:
        >>> graph = dict(
        ...     objects=[
        ...         dict(id=0, label=3, name='man', box=[0, 0, 9, 20],
        ...              score=0.9),
        ...         dict(id=1, label=5, name='horse', box=[0, 9, 30, 30],
        ...              score=0.8)],
        ...     triplets=[
        ...         dict(subject_id=0, object_id=1, label=2, name='riding',
        ...              score=0.6),
        ...         dict(subject_id=1, object_id=0, label=4, name='under',
        ...              score=0.3)])
        >>> [item['name'] for item in filter_graph(graph, 0.5)['triplets']]
        ['riding']
        >>> len(filter_graph(graph, classes=['horse'])['objects'])
        1
    """
    objects, triplets = graph['objects'], graph['triplets']
    index_of = {item['id']: index for index, item in enumerate(objects)}
    pairs = [
        [index_of[item['subject_id']], index_of[item['object_id']]]
        for item in triplets
    ]
    columns = _Columns(
        boxes=np.array([item['box'] for item in objects]).reshape(-1, 4),
        scores=np.array([item['score'] for item in objects], float),
        wanted_objects=_wanted(objects, classes),
        pairs=np.array(pairs, int).reshape(-1, 2),
        triplet_scores=np.array([item['score'] for item in triplets], float),
        wanted_triplets=_wanted(triplets, predicates),
    )
    kept = _select(columns, score_thr, topk, merge_iou)
    return dict(
        graph,
        objects=[dict(objects[index]) for index in kept.objects],
        triplets=[
            dict(
                triplets[index],
                subject_id=objects[subject]['id'],
                object_id=objects[object_]['id'],
                score=float(f'{score:.6g}'),
            )
            for index, (subject, object_), score in zip(
                kept.triplets, kept.pairs, kept.scores, strict=True
            )
        ],
    )


def filter_sample(
    sample: SGDataSample,
    score_thr: float = 0.0,
    topk: int | None = None,
    classes: Collection[int] | None = None,
    predicates: Collection[int] | None = None,
    merge_iou: float | None = None,
) -> SGDataSample:
    """Keep part of a prediction, by the rules of :func:`filter_graph`.

    Args:
        sample: With ``pred_instances`` and ``pred_relations``, on the CPU.
        score_thr: The least score of objects and relations.
        topk: The most relations; all by default.
        classes: Numbers of the object classes to keep.
        predicates: Numbers of the predicates to keep. A pair whose best
            predicate is another one goes.
        merge_iou: Boxes that overlap so much are one object.

    Returns:
        A new sample with the same meta data and what is left of the
        prediction, relations best first.
    """
    objects, relations = sample.pred_instances, sample.pred_relations
    columns = _Columns(
        boxes=objects.bboxes.numpy(),
        scores=objects.scores.numpy(),
        wanted_objects=_among(objects.labels.numpy(), classes),
        pairs=relations.pairs.numpy(),
        triplet_scores=relations.scores.numpy(),
        wanted_triplets=_among(relations.labels.numpy(), predicates),
    )
    kept = _select(columns, score_thr, topk, merge_iou)
    new_indices = np.zeros(len(objects), int)
    new_indices[kept.objects] = np.arange(len(kept.objects))
    ours = SGDataSample(metainfo=sample.metainfo)
    ours.pred_instances = objects[torch.from_numpy(kept.objects)]
    ours.pred_relations = relations[torch.from_numpy(kept.triplets)]
    ours.pred_relations.pairs = torch.from_numpy(new_indices[kept.pairs])
    ours.pred_relations.scores = torch.from_numpy(kept.scores)
    return ours


def _wanted(items: list[dict], wanted: Wanted) -> np.ndarray:
    """Which items bear a wanted name or number."""
    if wanted is None:
        return np.ones(len(items), bool)
    wanted = {wanted} if isinstance(wanted, str) else set(wanted)
    return np.array(
        [bool(wanted & {item['label'], item['name']}) for item in items], bool
    )


def _among(labels: np.ndarray, wanted: Collection[int] | None) -> np.ndarray:
    if wanted is None:
        return np.ones(len(labels), bool)
    return np.isin(labels, list(wanted))


def _select(
    graph: _Columns,
    score_thr: float,
    topk: int | None,
    merge_iou: float | None,
) -> _Kept:
    """The rules of :func:`filter_graph`, on arrays."""
    objects = np.arange(len(graph.boxes))
    leaders = objects
    if merge_iou is not None:
        leaders = _merge(graph, merge_iou)
    stays = graph.wanted_objects & (leaders == objects)
    stays &= graph.scores >= score_thr

    pairs, scores = leaders[graph.pairs], graph.triplet_scores
    ends = graph.wanted_objects[graph.pairs].all(1)
    kept = graph.wanted_triplets & ends & (pairs[:, 0] != pairs[:, 1])
    kept = np.flatnonzero(kept)
    if merge_iou is not None:
        kept = kept[
            _best_sources(graph.pairs[kept], pairs[kept], scores[kept])
        ]
        scores = scores * _ratio(
            graph.scores[pairs], graph.scores[graph.pairs]
        )
    kept = kept[(scores[kept] >= score_thr) & stays[pairs[kept]].all(1)]
    order = np.argsort(-scores[kept], kind='stable')[:topk]
    kept = kept[order]
    return _Kept(np.flatnonzero(stays), kept, pairs[kept], scores[kept])


def _merge(graph: _Columns, iou_thr: float) -> np.ndarray:
    """The index (N,) of the object that stands for each, maybe itself."""
    leaders = np.arange(len(graph.boxes))
    left = graph.wanted_objects.copy()
    overlaps = box_ious(graph.boxes, graph.boxes) >= iou_thr
    for best in np.argsort(-graph.scores, kind='stable'):
        if left[best]:
            same = left & overlaps[best]
            leaders[same] = best
            left &= ~same
            left[best] = False
    return leaders


def _best_sources(
    old: np.ndarray, new: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Indices of the best of the old pairs (K, 2) of each new pair.

    One pair may come several times, once a predicate; they stay together.
    """
    size = 1 + max(old.max(initial=0), new.max(initial=0))
    old, new = old @ [size, 1], new @ [size, 1]
    order = np.argsort(-scores, kind='stable')
    _, first, inverse = np.unique(
        new[order], return_index=True, return_inverse=True
    )
    best = np.empty_like(old)
    best[order] = old[order][first[inverse]]
    return np.flatnonzero(old == best)


def _ratio(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """By what (K,) the scores change with the scores (K, 2) of the ends."""
    ratio = np.divide(new, old, out=np.ones_like(new), where=old > 0)
    return ratio.prod(1)
