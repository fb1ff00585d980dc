"""The feature of a pair: its union box, and where in it both boxes lie."""

from itertools import accumulate

import torch
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmsgg.models.layers import RobustBatchNorm2d
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import union_boxes


def pair_rows(bboxes: list[Tensor], pairs: list[Tensor]) -> Tensor:
    """Point with the pairs of a batch into the stacked boxes of all images.

    Args:
        bboxes: For each image (N, 4).
        pairs: For each image (K, 2) rows [subject, object] of its boxes.

    Returns:
        (sum K, 2) rows [subject, object] of ``torch.cat(bboxes)``.
    """
    starts = accumulate(map(len, bboxes), initial=0)
    return torch.cat([p + n for p, n in zip(pairs, starts, strict=False)])


def draw_rectangles(boxes: Tensor, frames: Tensor, size: int) -> Tensor:
    """Draw each box into its frame, on the device, all at once.

    Args:
        boxes: (K, 4) boxes.
        frames: (K, 4) boxes around them, in the same pixel frame.
        size: Side of the drawing in cells.

    Returns:
        (K, size, size) share of each cell that the box covers, in [0, 1].
    """
    extent = (frames[:, 2:] - frames[:, :2]).clamp(min=1e-6)
    lower = (boxes[:, :2] - frames[:, :2]) / extent * size
    upper = (boxes[:, 2:] - frames[:, :2]) / extent * size
    cells = torch.arange(size, device=boxes.device, dtype=boxes.dtype)
    covered = (cells + 1 - lower[..., None]).clamp(0, 1)
    covered = covered * (upper[..., None] - cells).clamp(0, 1)  # K, 2, size
    return covered[:, 1, :, None] * covered[:, 0, None, :]


@MODELS.register_module()
class UnionRoIExtractor(nn.Module):
    """Pool the union box of each pair, optionally with a drawing of both.

    The drawing (neural-motifs, linknet-pytorch) is a 2-channel picture of the
    subject and the object box inside their union, which two convolutions
    turn into a map that is added to the pooled feature.

    Args:
        roi_extractor: Config of the RoI extractor of mmdet.
        draw_boxes: Whether to add the drawing.
    """

    drawing_size = 27  # two stride-2 layers make it 7 x 7

    def __init__(self, roi_extractor: dict, draw_boxes: bool = False) -> None:
        super().__init__()
        self.roi_extractor = MODELS.build(roi_extractor)
        channels = self.roi_extractor.out_channels
        self.drawing = self._drawing_net(channels) if draw_boxes else None

    @staticmethod
    def _drawing_net(channels: int) -> nn.Sequential:
        """Make the net (K, 2, 27, 27) -> (K, channels, 7, 7)."""
        half = channels // 2
        return nn.Sequential(
            nn.Conv2d(2, half, 7, stride=2, padding=3),
            nn.ReLU(),
            RobustBatchNorm2d(half, momentum=0.01),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(half, channels, 3, padding=1),
            nn.ReLU(),
            RobustBatchNorm2d(channels, momentum=0.01),
        )

    def forward(
        self,
        x: tuple[Tensor, ...],
        bboxes: list[Tensor],
        pairs: list[Tensor],
    ) -> Tensor:
        """Pool the pairs of a batch.

        Args:
            x: Feature maps, each (B, C, H, W).
            bboxes: For each image (N, 4) boxes in input-image pixels.
            pairs: For each image (K, 2) rows [subject, object] of its boxes.

        Returns:
            (sum K, C, size, size), the images one after another.
        """
        subjects, objects = pair_rows(bboxes, pairs).T
        rois = bbox2roi(bboxes)
        return self.pool(x, rois[subjects], rois[objects])

    def pool(
        self, x: tuple[Tensor, ...], subjects: Tensor, objects: Tensor
    ) -> Tensor:
        """Pool any pairs, of several images or of one.

        Args:
            x: Feature maps, each (B, C, H, W).
            subjects: (K, 5) [image index, x1, y1, x2, y2], input-image
                pixels.
            objects: (K, 5) likewise, row by row of the same image.

        Returns:
            (K, C, size, size).
        """
        unions = union_boxes(subjects[:, 1:], objects[:, 1:])
        inputs = x[: self.roi_extractor.num_inputs]
        rois = torch.cat([subjects[:, :1], unions], dim=1)
        pooled = self.roi_extractor(inputs, rois)
        if self.drawing is None:
            return pooled
        drawings = [
            draw_rectangles(boxes[:, 1:], unions, self.drawing_size)
            for boxes in (subjects, objects)
        ]
        return pooled + self.drawing(torch.stack(drawings, dim=1) - 0.5)
