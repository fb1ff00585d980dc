"""The objects of several images as binary trees, level by level."""

import numpy as np
import torch
from torch import Tensor


class ObjectTrees:
    """One binary tree an image, over the stacked objects of a batch.

    Tang et al. 2019, section 3.1. The root has the highest mean score of its
    row; then, again and again, the best score leads from a parent in the
    tree to a child outside. Of equal scores the parent that came first wins,
    then the first child. The binary tree keeps the first child as the left
    one; the right one of a node is the next child of its parent.

    Nets go through the levels of all trees together::

        stacked (sum N, D) -- split --> levels (n, D) -- join --> stacked

    Args:
        scores: (B, L, L) of [parent, child], in the rows of the L objects of
            the largest image; what is beyond an image is not read.
        num_objects: N of each image, 0 allowed.

    Attributes:
        parents: (sum N,) int64, the row of the parent in the binary tree, -1
            of a root.
        children: (sum N, 2) int64, rows of the left and the right child, -1
            where there is none.
        depths: (sum N,) int64, 0 of a root.
    """

    def __init__(self, scores: Tensor, num_objects: list[int]) -> None:
        # each step waits for the one before: on a GPU that is a wait each
        padded = np.nan_to_num(scores.detach().float().cpu().numpy())
        used = np.arange(padded.shape[1]) < np.array(num_objects)[:, None]
        grown = grow_trees(padded, used)
        first = np.cumsum([0, *num_objects[:-1]])[:, None, None]
        rows = np.where(grown < 0, -1, grown + first)[used]
        self.parents, self.children = rows[:, 0], rows[:, 1:3]
        self.depths = grown[..., 3][used]
        self._order = np.argsort(self.depths, kind='stable')
        self._sizes = np.bincount(self.depths, minlength=1).tolist()
        self._to_device(scores.device)

    def _to_device(self, device: torch.device) -> None:
        """Say for each row where it stands in its level, and its kin."""
        starts = np.cumsum([0, *self._sizes])
        ranks = np.empty_like(self._order)
        ranks[self._order] = np.arange(len(ranks))
        places = ranks - starts[self.depths]
        # what is not there is the row behind the last one of its level
        sizes = np.array([*self._sizes, 0])
        below = sizes[self.depths + 1][:, None]
        kin = np.where(self.children < 0, below, places[self.children])
        above = np.where(self.parents < 0, 0, places[self.parents])
        table = np.column_stack(
            [self._order, ranks, above[self._order], kin[self._order]]
        )
        order, ranks, above, left, right = torch.from_numpy(
            np.ascontiguousarray(table.T)
        ).to(device)
        self._rows, self._ranks = order, ranks
        self.above = above.split(self._sizes)
        self.below = torch.stack([left, right], dim=1).split(self._sizes)

    def __len__(self) -> int:
        """How many levels the deepest tree has."""
        return len(self._sizes)

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """Split stacked (sum N, ...) into levels (n, ...), roots first."""
        return x[self._rows].split(self._sizes)

    def join(self, levels: list[Tensor]) -> Tensor:
        """Stack levels (n, ...), roots first, as (sum N, ...)."""
        return torch.cat(levels)[self._ranks]


def grow_trees(scores: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Grow a tree in each image, all images by a node a step (Prim).

    Args:
        scores: (B, L, L) of [parent, child], finite.
        used: (B, L) bool, which rows are objects, the first ones.

    Returns:
        (B, L, 4) int64 of each object in the binary tree: parent, left and
        right child, -1 where there is none, and depth.
    """
    counts = used.sum(axis=1)
    grown = np.full((*used.shape, 4), -1)
    grown[..., 3] = 0
    youngest = np.full(used.shape, -1)  # child of each node
    outside = used.copy()
    # of each node outside: the best score from the tree, and whose it is
    best = np.full(used.shape, -np.inf, scores.dtype)
    givers, ages = np.zeros((2, *used.shape), dtype=int)
    sums = np.where(used[:, None], scores, 0).sum(axis=2)
    roots = np.where(used, sums, -np.inf).argmax(axis=1)
    columns = np.arange(used.shape[1])
    for step in range(counts.max(initial=0)):
        images = np.flatnonzero(counts > step)
        nodes = roots[images]
        if step:
            open_best = best[images]
            first = ages[images] * len(columns) + columns
            tied = open_best == open_best.max(axis=1, keepdims=True)
            nodes = np.where(tied, first, len(columns) ** 2).argmin(axis=1)
            givers_of_nodes = givers[images, nodes]
            sibling = youngest[images, givers_of_nodes]
            youngest[images, givers_of_nodes] = nodes
            parents = np.where(sibling < 0, givers_of_nodes, sibling)
            grown[images, nodes, 0] = parents
            grown[images, parents, np.where(sibling < 0, 1, 2)] = nodes
            grown[images, nodes, 3] = grown[images, parents, 3] + 1
        outside[images, nodes] = False
        best[images, nodes] = -np.inf
        offered = scores[images, nodes]
        better = (offered > best[images]) & outside[images]
        best[images] = np.where(better, offered, best[images])
        ages[images] = np.where(better, step, ages[images])
        givers[images] = np.where(better, nodes[:, None], givers[images])
    return grown
