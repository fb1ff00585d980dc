"""The objects of several images as padded sequences, and back."""

import torch
from torch import Tensor


class ObjectSequences:
    """Lay the stacked objects of a batch out as one sequence an image.

    Heads keep the objects of a batch stacked, the images one after another.
    A recurrent net or a transformer wants (B, L, D) instead, L the longest
    image::

        stacked (sum N, D) -- pad --> (B, L, D) -- unpad --> stacked

    An image without objects is a sequence of one padding cell, which nothing
    reads: neither a packed sequence nor a softmax may be empty.

    Args:
        num_objects: N of each image, 0 allowed.
        keys: (sum N,) what each image's objects are sorted by, ascending,
            ties in the given order; None keeps the given order.
        device: Where to index, for ``keys=None``.

    Attributes:
        lengths: (B,) int64 on the CPU, cells in use, at least 1.
        padding: (B, L) bool, the cells that are not in use.
    """

    def __init__(
        self,
        num_objects: list[int],
        keys: Tensor | None = None,
        device: torch.device | None = None,
    ) -> None:
        device = device if keys is None else keys.device
        counts = torch.tensor(num_objects)
        self.lengths = counts.clamp(min=1)
        positions = torch.arange(int(self.lengths.max()))
        self.padding = (positions >= self.lengths[:, None]).to(device)
        used = (positions < counts[:, None]).flatten().nonzero().flatten()
        self._cells = used.to(device)  # of the objects, image by image
        if keys is not None:
            images = torch.arange(len(counts)).repeat_interleave(counts)
            order = keys.argsort(stable=True)
            order = order[images.to(device)[order].argsort(stable=True)]
            self._cells = self._cells[order.argsort()]

    def pad(self, x: Tensor) -> Tensor:
        """Lay (sum N, ...) out as (B, L, ...), zero where nothing is."""
        padded = x.new_zeros(self.padding.numel(), *x.shape[1:])
        padded = padded.index_copy(0, self._cells, x)
        return padded.unflatten(0, self.padding.shape)

    def unpad(self, padded: Tensor) -> Tensor:
        """Stack (B, L, ...) as (sum N, ...), in the given order."""
        return padded.flatten(0, 1)[self._cells]
