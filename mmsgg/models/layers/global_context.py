"""Global context encoding: which classes are in the image (LinkNet 3.3)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmsgg.registry import MODELS


@MODELS.register_module()
class GlobalContext(nn.Module):
    """Pool the feature map into c and tell from it the classes it shows.

    c joins the features of every object. The classification is an auxiliary
    task; it needs labels in training only.

    Args:
        in_channels: Channels of the feature map.
        num_classes: Object classes C, without background.
        out_channels: Width of c. None hands on the pooled map itself, as
            linknet-pytorch does; its loss then trains nothing of a frozen
            detector but the classifier. Elsewhere a layer stands between map
            and c, which the loss reaches.
        activation: 'sigmoid' for independent classes (the paper's multi-label
            loss), or 'softmax' over the classes and background as in
            linknet-pytorch.
        level: Which of the feature maps counts. The last one may be a
            poor choice: an FPN's is made for large anchors, by leaving cells
            out.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        out_channels: int | None = 512,
        activation: Literal['sigmoid', 'softmax'] = 'sigmoid',
        level: int = -1,
    ) -> None:
        super().__init__()
        if activation not in ('sigmoid', 'softmax'):
            raise ValueError(
                f"GlobalContext: activation must be 'sigmoid' or 'softmax', "
                f'got {activation!r}'
            )
        self.num_classes = num_classes
        self.activation = activation
        self.level = level
        self.out_channels = out_channels or in_channels
        self.embed = (
            nn.Sequential(nn.Linear(in_channels, out_channels), nn.ReLU())
            if out_channels
            else nn.Identity()
        )
        self.classifier = nn.Linear(self.out_channels, num_classes + 1)

    def forward(self, x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Encode a batch of images.

        Args:
            x: Feature maps, of which one (B, in_channels, H, W) counts.

        Returns:
            c (B, out_channels) and class logits (B, C + 1), background last.
        """
        context = self.embed(x[self.level].mean(dim=(2, 3)))
        return context, self.classifier(context)

    def loss(self, logits: Tensor, labels: list[Tensor]) -> Tensor:
        """Compare with the classes that the images hold.

        Args:
            logits: (B, C + 1) from :meth:`forward`.
            labels: For each image the (N,) 0-based classes of its objects;
                repeats and N = 0 are fine.

        Returns:
            Scalar, mean over images and classes.
        """
        present = logits.new_zeros(len(labels), self.num_classes)
        for row, image_labels in zip(present, labels, strict=True):
            row[image_labels] = 1
        if self.activation == 'sigmoid':
            return F.binary_cross_entropy_with_logits(logits[:, :-1], present)
        # of probabilities it is refused under autocast on a GPU
        with torch.autocast(logits.device.type, enabled=False):
            probs = torch.softmax(logits.float(), dim=1)[:, :-1]
            return F.binary_cross_entropy(probs, present.float())
