"""What a head sees of objects and of pairs: their regions of the image."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Literal

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import RobustBatchNorm2d
from mmsgg.registry import MODELS
from mmsgg.structures.bbox import union_boxes

from .triplet_search import CHUNK, TripletSearch

#: `renamed_weights` of heads that once held these parts themselves.
REGION_WEIGHTS = {
    name: f'features.{name}'
    for name in ('object_head.', 'union_head.', 'union_roi_extractor.')
}


def build_part(cfg: dict | None, **kwargs: Any) -> Any:
    """Build a part of a head, unless it is switched off."""
    return None if cfg is None else MODELS.build(dict(cfg, **kwargs))


def width_of(part: Any) -> int:
    """How many channels a part contributes."""
    return 0 if part is None else part.out_channels


def stack_pairs(bboxes: list[Tensor], pairs: list[Tensor]) -> Tensor:
    """Point with the pairs of a batch into the stacked boxes of all images.

    Args:
        bboxes: For each image (N, 4).
        pairs: For each image (K, 2) [subject, object], rows of its boxes.

    Returns:
        (sum K, 2) [subject, object], rows of ``torch.cat(bboxes)``.
    """
    starts = accumulate(map(len, bboxes), initial=0)
    return torch.cat([p + n for p, n in zip(pairs, starts, strict=False)])


class PairFeatures(BaseModule):
    """The features of objects f_i and of pairs F_ij, off the feature maps.

    f_i is the feature of an object's box, F_ij that of the union box of a
    pair, each a RoI extractor with fc6 and fc7, or the like, behind it. What
    is None is left out; without both, no image is needed.

    Args:
        object_roi_extractor: Config of the RoI extractor of objects.
        object_head: Config of what makes f of the pooled region.
        union_roi_extractor: Config of :class:`UnionRoIExtractor`.
        union_head: Config of what makes F of the pooled union box.
        max_pairs: Union boxes that are pooled at once in inference, with
            whom the one or two pairs of each are scored; bounds the memory.
    """

    def __init__(
        self,
        object_roi_extractor: dict | None = None,
        object_head: dict | None = None,
        union_roi_extractor: dict | None = None,
        union_head: dict | None = None,
        max_pairs: int = 1024,
    ) -> None:
        super().__init__()
        self.max_pairs = max_pairs
        self.object_roi_extractor = build_part(object_roi_extractor)
        self.object_head = build_part(object_head)
        self.union_roi_extractor = build_part(union_roi_extractor)
        self.union_head = build_part(union_head)

    @property
    def object_channels(self) -> int:
        """Width of f, 0 if it is left out."""
        return width_of(self.object_head)

    @property
    def union_channels(self) -> int:
        """Width of F, 0 if it is left out."""
        return width_of(self.union_head)

    @property
    def uses_image(self) -> bool:
        """Whether anything looks at the feature maps."""
        return self.object_head is not None or self.union_head is not None

    def embed_objects(
        self, x: tuple[Tensor, ...], bboxes: list[Tensor]
    ) -> Tensor:
        """Make f (sum N, channels) of the objects; no channels if left out.

        Args:
            x: Feature maps, each (B, channels, H, W), the finest first.
            bboxes: For each image (N, 4), input-image pixels.
        """
        if self.object_head is None:
            return torch.cat(bboxes)[:, :0]
        inputs = x[: self.object_roi_extractor.num_inputs]
        rois = bbox2roi(bboxes)
        return self.object_head(self.object_roi_extractor(inputs, rois))

    def embed_unions(
        self,
        x: tuple[Tensor, ...],
        bboxes: list[Tensor],
        pairs: Tensor,
        image_sizes: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Make F of the union boxes, each once.

        (i, j) and (j, i) have the same union box and so, unless the boxes are
        drawn into it, the same F; in training they share its dropout too.

        Args:
            x: Feature maps, each (B, channels, H, W), the finest first.
            bboxes: For each image (N, 4), input-image pixels.
            pairs: (sum K, 2) as :func:`stack_pairs` gives them.
            image_sizes: (B, 2) as :func:`image_sizes` gives them, needed
                where boxes are drawn into their image.

        Returns:
            F (U, channels), ones (U, 1) where it is left out, and (sum K,)
            which row of it is a pair's.
        """
        unions, rows = self.share_unions(pairs)
        # training keeps all for the gradient, and batch norm wants all at once
        chunks = (unions,) if self.training else unions.split(self.max_pairs)
        pooled = [
            self.pool_unions(x, bboxes, chunk, image_sizes) for chunk in chunks
        ]
        return torch.cat(pooled), rows

    def share_unions(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """List pairs (U, 2) whose union boxes are those of all (sum K, 2).

        Returns:
            The pairs, and (sum K,) which of them stands for each.
        """
        alone = (
            self.union_head is None
            or self.union_roi_extractor.drawing is not None
        )
        if alone:
            return pairs, torch.arange(len(pairs), device=pairs.device)
        # one number a pair: to sort rows takes fifty times as long
        first, second = pairs.sort(dim=1).values.T
        keys, rows = (first << 32 | second).unique(return_inverse=True)
        return torch.stack([keys >> 32, keys & 0xFFFFFFFF], dim=1), rows

    def pool_unions(
        self,
        x: tuple[Tensor, ...],
        bboxes: list[Tensor],
        pairs: Tensor,
        image_sizes: Tensor | None = None,
    ) -> Tensor:
        """Make F (k, channels) of k pairs; ones (k, 1) where it is left out.

        Args as of :meth:`embed_unions`.
        """
        if self.union_head is None:
            return bboxes[0].new_ones(len(pairs), 1)
        rois = bbox2roi(bboxes)
        pooled = self.union_roi_extractor(x, *rois[pairs.T], image_sizes)
        return self.union_head(pooled)

    def score(
        self,
        x: tuple[Tensor, ...],
        bboxes: list[Tensor],
        pairs: Tensor,
        score_pairs: Callable[[Tensor, Tensor], Tensor],
        image_sizes: Tensor | None = None,
        search: TripletSearch | None = None,
    ) -> Tensor:
        """Score the pairs, in inference some at a time with their F.

        No F outlives its chunk: of a pair stays what ``score_pairs`` returns.

        Args:
            x: Feature maps, each (B, channels, H, W), the finest first.
            bboxes: For each image (N, 4), input-image pixels.
            pairs: (sum K, 2) as :func:`stack_pairs` gives them.
            score_pairs: Maps some of the pairs (k, 2) and their F
                (k, channels), or ones (k, 1), to (k, outputs).
            image_sizes: As of :meth:`embed_unions`.
            search: Says which pairs are to be scored, all by default; the
                outputs are logits of predicates then, background last.

        Returns:
            (sum K, outputs) in the order of the pairs.
        """
        if search is not None and self.union_head is not None:
            scores = torch.empty(0)
            for rows in search.chunks(min(CHUNK, self.max_pairs)):
                chunk = pairs[rows]
                unions, of_pairs = self.embed_unions(
                    x, bboxes, chunk, image_sizes
                )
                part = score_pairs(chunk, unions[of_pairs])
                if len(scores) == 0:
                    scores = search.unrelated(part)
                scores[rows] = part
                search.add(rows, part)
            return scores
        if self.training or len(pairs) <= self.max_pairs:
            unions, of_pairs = self.embed_unions(x, bboxes, pairs, image_sizes)
            return score_pairs(pairs, unions[of_pairs])
        shared, of_pairs = self.share_unions(pairs)
        scores = torch.empty(0)
        for start, rows in self._rows_of_chunks(of_pairs, len(shared)):
            chunk = shared[start : start + self.max_pairs]
            unions = self.pool_unions(x, bboxes, chunk, image_sizes)
            part = score_pairs(pairs[rows], unions[of_pairs[rows] - start])
            if len(scores) == 0:
                scores = part.new_empty(len(pairs), part.shape[1])
            scores[rows] = part
        return scores

    def _rows_of_chunks(
        self, of_pairs: Tensor, num_unions: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Group the pairs by the chunk of unions that theirs is in.

        Args:
            of_pairs: (sum K,) which union is a pair's.
            num_unions: U, each of them of a pair.

        Yields:
            The first union of a chunk, and (k,) rows of its pairs.
        """
        starts = range(0, num_unions, self.max_pairs)
        order = of_pairs.argsort(stable=True)
        ends = [*starts[1:]]
        if len(of_pairs) > num_unions:
            firsts = of_pairs.new_tensor(ends)
            ends = torch.searchsorted(of_pairs[order], firsts).tolist()
        yield from zip(starts, order.tensor_split(ends), strict=True)


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


def fill_rectangles(boxes: Tensor, frame_sizes: Tensor, size: int) -> Tensor:
    """Fill the cells that each box touches in its image.

    As Scene-Graph-Benchmark draws: a cell is whole or empty, and where a box
    ends on the border of two cells the later one belongs to it too.

    Args:
        boxes: (K, 4) boxes in pixels of some frame.
        frame_sizes: (K, 2) width and height of the image of each.
        size: Side of the drawing in cells.

    Returns:
        (K, size, size) of 0 and 1.
    """
    # multiplied first, to round as there
    lower = (boxes[:, :2] * size / frame_sizes).floor()
    upper = (boxes[:, 2:] * size / frame_sizes).ceil()
    cells = torch.arange(size, device=boxes.device, dtype=boxes.dtype)
    covered = (cells >= lower[..., None]) & (cells <= upper[..., None])
    return (covered[:, 1, :, None] & covered[:, 0, None, :]).to(boxes.dtype)


@MODELS.register_module()
class UnionRoIExtractor(BaseModule):
    """Pool the union box of each pair, optionally with a drawing of both.

    The drawing is a 2-channel picture of the subject and the object box,
    which two convolutions turn into a map that is added to the pooled
    feature. It shows them inside their union, the cells less one half
    (neural-motifs, linknet-pytorch), or inside the whole image, the cells
    full or empty (Scene-Graph-Benchmark).

    Args:
        roi_extractor: Config of the RoI extractor of mmdet.
        draw_boxes: Whether to add the drawing.
        drawn_in: What the drawing shows the boxes in.
    """

    drawing_size = 27  # two stride-2 layers make it 7 x 7

    def __init__(
        self,
        roi_extractor: dict,
        draw_boxes: bool = False,
        drawn_in: Literal['union', 'image'] = 'union',
    ) -> None:
        super().__init__()
        self.drawn_in = drawn_in
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
        subjects: Tensor,
        objects: Tensor,
        image_sizes: Tensor | None = None,
    ) -> Tensor:
        """Pool any pairs, of several images or of one.

        Args:
            x: Feature maps, each (B, C, H, W).
            subjects: (K, 5) [image index, x1, y1, x2, y2], input-image
                pixels.
            objects: (K, 5) likewise, row by row of the same image.
            image_sizes: (B, 2) width and height of the images, needed where
                the boxes are drawn in them.

        Returns:
            (K, C, size, size).
        """
        unions = union_boxes(subjects[:, 1:], objects[:, 1:])
        inputs = x[: self.roi_extractor.num_inputs]
        rois = torch.cat([subjects[:, :1], unions], dim=1)
        pooled = self.roi_extractor(inputs, rois)
        if self.drawing is None:
            return pooled
        boxes = subjects[:, 1:], objects[:, 1:]
        size = self.drawing_size
        if self.drawn_in == 'union':
            drawings = [draw_rectangles(ends, unions, size) for ends in boxes]
            return pooled + self.drawing(torch.stack(drawings, dim=1) - 0.5)
        if image_sizes is None:
            raise ValueError(
                'UnionRoIExtractor draws boxes in their image, whose size '
                "this relation head does not give; set drawn_in='union'"
            )
        frames = image_sizes[subjects[:, 0].long()]
        drawings = [fill_rectangles(ends, frames, size) for ends in boxes]
        return pooled + self.drawing(torch.stack(drawings, dim=1))


def image_sizes(objects: list[InstanceData]) -> Tensor:
    """List width and height (B, 2) of the images of a batch.

    Args:
        objects: Objects of each image; see :class:`BaseRelationHead`.

    Raises:
        ValueError: If objects do not bring the size of their image along.
    """
    if any('img_shape' not in image.metainfo for image in objects):
        raise ValueError(
            'This relation head sees where a box lies in its image, whose '
            'size the objects do not bring along; set img_shape in their '
            'metainfo, as SceneGraphDetector does'
        )
    sizes = [image.img_shape[1::-1] for image in objects]
    return objects[0].bboxes.new_tensor(sizes)


def image_size_of_each(objects: list[InstanceData]) -> Tensor:
    """List width and height (sum N, 2) of the image of each object."""
    return torch.cat(
        [
            size.expand(len(image), 2)
            for size, image in zip(image_sizes(objects), objects, strict=True)
        ]
    )


def pair_roles(roles: Sequence[Tensor], pairs: Tensor) -> Tensor:
    """Put s of the subject and o of the object of k pairs side by side.

    Args:
        roles: s and o, each (sum N, channels).
        pairs: (k, 2) rows [subject, object] of both.

    Returns:
        [s_i, o_j] (k, 2 * channels).
    """
    subjects, objects = pairs.T
    return torch.cat([roles[0][subjects], roles[1][objects]], dim=1)
