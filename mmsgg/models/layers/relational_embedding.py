"""Residual attention over the objects of one image (LinkNet eq. 1-3)."""

import torch
from torch import Tensor, nn


class RelationalEmbedding(nn.Module):
    """One relational embedding block of LinkNet.

    With O the (N, D) features of the objects of one image::

        R   = softmax((O W) (O U)^T)      # (N, N), a row per object
        O'  = O + fc0(R (O H))            # (N, D), the residual output
        O'' = fc1(O')                     # (N, out_channels)

    Attention never crosses images: the rows of several images come stacked,
    and each image's rows see each other only.

    Args:
        in_channels: D.
        out_channels: Width of O''.
        reduction: r of the paper; W, U and H map D to D // r.
        attention: Whether objects see each other; else R is the identity,
            and there is no W and U.
        scale: Whether R = softmax((O W) (O U)^T / sqrt(D // r)), as in a
            transformer. Without it the logits grow with D, and the softmax
            comes near to picking one object.
        norm: Whether W, U and H see O behind a layer norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        reduction: int = 2,
        attention: bool = True,
        scale: bool = False,
        norm: bool = False,
    ) -> None:
        super().__init__()
        inner = in_channels // reduction
        self.attention = attention
        self.scale = inner**-0.5 if scale else 1.0
        self.norm = nn.LayerNorm(in_channels) if norm else nn.Identity()
        if attention:
            self.W = nn.Linear(in_channels, inner)
            self.U = nn.Linear(in_channels, inner)
        self.H = nn.Linear(in_channels, inner)
        self.fc0 = nn.Linear(inner, in_channels)
        self.fc1 = nn.Linear(in_channels, out_channels)

    def extra_repr(self) -> str:
        """Say what no layer shows."""
        return f'scale={self.scale:g}'

    def forward(
        self, x: Tensor, num_objects: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Embed the objects of a batch, image by image.

        Args:
            x: (sum N, in_channels) features, the images one after another.
            num_objects: N of each image, 0 allowed.

        Returns:
            The residual output O' (sum N, in_channels) and O''
            (sum N, out_channels).
        """
        normed = self.norm(x)
        values = self.H(normed)
        if self.attention:
            values = self._attend(normed, values, num_objects)
        residual = x + self.fc0(values)
        return residual, self.fc1(residual)

    def _attend(
        self, x: Tensor, values: Tensor, num_objects: list[int]
    ) -> Tensor:
        """Mix the values (sum N, D // r) of each image by R."""
        images = zip(
            (self.scale * self.W(x)).split(num_objects),
            self.U(x).split(num_objects),
            values.split(num_objects),
            strict=True,
        )
        return torch.cat(
            [
                torch.softmax(query @ key.T, dim=1) @ value
                for query, key, value in images
            ]
        )
