"""Which pairs of an image can still give one of its best triplets."""

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from .base_relation_head import BaseRelationHead
from .object_classes import score_classes

#: Pairs that are scored between two looks at what is left: fewer find the
#: end sooner, more keep the matrix products large.
CHUNK = 256


class TripletSearch:
    """Asks for pairs, likely ones first, until no better triplet can come.

    A triplet scores s_i s_j p <= s_i s_j, as the predicate's p is at most 1.
    In falling order of s_i s_j an image is done as soon as that of the next
    pair is below the score of the last of the triplets wanted: exact, also
    where scores are equal. Of each pair the best predicate is its triplet.

    Args:
        head: Says what predicates are ranked by.
        bounds: For each image s_i s_j (K,) of its pairs.
        pairs: For each image (K, 2).
        max_triplets: How many triplets of an image are wanted.
    """

    def __init__(
        self,
        head: BaseRelationHead,
        bounds: list[Tensor],
        pairs: list[Tensor],
        max_triplets: int,
    ) -> None:
        self.probabilities = head.predicate_probabilities
        self.max_triplets = max(max_triplets, 1)
        self.sizes = [*map(len, pairs)]
        self.bounds = torch.cat(bounds)
        self.scores = torch.full_like(self.bounds, -torch.inf)
        self.images = torch.cat(
            [torch.full_like(p[:, 0], i) for i, p in enumerate(pairs)]
        )
        # a pair beside its reverse, which shares its union box
        first, second = torch.cat(pairs).sort(dim=1).values.T
        order = (first << 32 | second).argsort(stable=True)
        falling = self.bounds[order].argsort(descending=True, stable=True)
        self.order = order[falling]

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield rows (k,) of the stacked pairs, to be scored and added.

        Args:
            size: Pairs at once, at most.
        """
        left = self.order
        while len(left):
            yield left[:size]
            left = left[size:]
            last = self._last_wanted()[self.images[left]]
            left = left[~(last > self.bounds[left])]

    def add(self, rows: Tensor, logits: Tensor) -> None:
        """Take note of what was said of pairs.

        Args:
            rows: (k,) as :meth:`chunks` gave them.
            logits: (k, P + 1) of their predicates.
        """
        best = self.probabilities(logits).amax(dim=1)
        self.scores[rows] = self.bounds[rows] * best

    def unrelated(self, logits: Tensor) -> Tensor:
        """Make logits (sum K, P + 1), like some, that rule predicates out."""
        rows = logits.new_full((len(self.order), logits.shape[1]), -torch.inf)
        rows[:, -1] = 0
        return rows

    def _last_wanted(self) -> Tensor:
        """Scores (B,) of the last triplets wanted, -inf until found."""
        k = self.max_triplets
        none = self.scores.new_tensor(-torch.inf)
        return torch.stack(
            [
                scores.topk(k).values[-1] if len(scores) >= k else none
                for scores in self.scores.split(self.sizes)
            ]
        )


def search_triplets(
    head: BaseRelationHead,
    objects: list[InstanceData],
    object_logits: list[Tensor],
    labels: Tensor,
    pairs: list[Tensor],
    max_triplets: int | None,
) -> dict[str, Any]:
    """Start a search, unless all pairs are to be scored anyway.

    Args:
        head: The head that scores them.
        objects: Objects of each image; see :class:`BaseRelationHead`.
        object_logits: As of :meth:`BaseRelationHead.decide_classes`.
        labels: Likewise, (sum N,).
        pairs: For each image (K, 2).
        max_triplets: As of :meth:`BaseRelationHead.predict`.

    Returns:
        The search under the name that :meth:`PairFeatures.score` takes it by;
        nothing where no more pairs than that are there.
    """
    if max_triplets is None or max(map(len, pairs), default=0) <= max_triplets:
        return {}
    images = zip(
        objects,
        object_logits,
        labels.split([*map(len, objects)]),
        pairs,
        strict=True,
    )
    bounds = []
    for image, logits, image_labels, image_pairs in images:
        _, scores = score_classes(
            image, logits, image_labels, head.num_classes
        )
        bounds.append(scores[image_pairs].prod(dim=1))
    return dict(search=TripletSearch(head, bounds, pairs, max_triplets))
