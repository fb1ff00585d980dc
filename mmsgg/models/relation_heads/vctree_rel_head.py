"""VCTree: tree LSTMs over trees that the objects form (arXiv 1812.01880)."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.layers import (
    ObjectSequences,
    RelativeBoxEmbedding,
    RobustBatchNorm1d,
)
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import (
    box_ious,
    image_geometry,
    intersection_areas,
)

from .base_relation_head import BaseRelationHead, RelationOutput
from .object_classes import class_probabilities
from .object_trees import ObjectTrees
from .pair_features import (
    PairFeatures,
    image_size_of_each,
    image_sizes,
    pair_roles,
    stack_pairs,
)
from .tree_lstm import TreeLabelDecoder, TreeLSTM
from .triplet_search import search_triplets

AREA = 1024**2  # pixels; areas are fed to a layer as shares of this one


def overlap_numbers(bboxes: Tensor, images: Tensor) -> Tensor:
    """Say how the other boxes of its image overlap each box.

    Args:
        bboxes: (sum N, 4) boxes in input-image pixels, stacked.
        images: (sum N,) which image each is of.

    Returns:
        (sum N, 6) of the boxes that overlap it, itself among them: how many
        they are, the sum of the areas in common and of the IoUs, both sums
        divided by the number; and its own area without the last pixel. Areas
        are shares of 1024 * 1024 pixels, whatever the image.
    """
    same = images[:, None] == images
    common = intersection_areas(bboxes, bboxes) * same
    ious = box_ious(bboxes, bboxes) * same
    num = (common > 0).sum(dim=1).to(bboxes.dtype)
    sums = [common.sum(dim=1) / AREA, ious.sum(dim=1)]
    means = [values / num.clamp(min=1) for values in sums]
    area = (bboxes[:, 2:] - bboxes[:, :2]).prod(dim=1) / AREA
    return torch.stack([num, *sums, *means, area], dim=1)


class TreeScores(nn.Module):
    """The score of each object as the child of each other (VCTree, eq. 2).

    With f the regions, e the class embeddings, b the nine box numbers and v
    the :func:`overlap_numbers`, p the detector's class distributions and w
    one weight vector::

        q = relu(W [W f, W e, relu(BN(W b)), relu(BN(W v))])
        s = relu(W q);  t = relu(W q)
        prior_ij = p_i^T B p_j
        logit_ij = sigmoid(w [s_j * t_i, s_j, t_i, prior_ij]) prior_ij

    i is the parent, j the child. B is a parameter of all pairs of classes,
    which :meth:`set_frequencies` starts.

    Args:
        region_channels: Width of f.
        embed_channels: Width of e.
        hidden_channels: Width of q, s and t.
        num_classes: Object classes C, without background.
    """

    def __init__(
        self,
        region_channels: int,
        embed_channels: int,
        hidden_channels: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        part = 128  # width of each of the four parts of q's input
        parts = 4 if region_channels else 3
        self.region_fc = (
            nn.Linear(region_channels, part) if region_channels else None
        )
        self.embed_fc = nn.Linear(embed_channels, part)
        self.box_fc = self._embed_numbers(9, part)
        self.overlap_fc = self._embed_numbers(6, part)
        self.input_fc = nn.Linear(parts * part, hidden_channels)
        self.child_fc = nn.Linear(hidden_channels, hidden_channels)
        self.parent_fc = nn.Linear(hidden_channels, hidden_channels)
        self.vision_fc = nn.Linear(3 * hidden_channels + 1, 1)
        # a row as of a linear layer over all pairs of classes
        self.class_prior = nn.Parameter(torch.empty(1, (num_classes + 1) ** 2))
        nn.init.normal_(self.class_prior, std=0.02)

    @staticmethod
    def _embed_numbers(num: int, channels: int) -> nn.Sequential:
        """Embed ``num`` numbers of a box."""
        return nn.Sequential(
            nn.Linear(num, channels),
            RobustBatchNorm1d(channels, momentum=0.001),
            nn.ReLU(),
        )

    @torch.no_grad()
    def set_frequencies(self, frequencies: Tensor) -> None:
        """Start B from (C + 1, C + 1, P + 1) log frequencies of predicates."""
        one_way = frequencies.sum(dim=2)
        self.class_prior.copy_((one_way + one_way.t()).flatten())

    def forward(
        self,
        features: Sequence[Tensor],
        probabilities: Tensor,
        sequences: ObjectSequences,
    ) -> Tensor:
        """Score all pairs of each image.

        Args:
            features: f, e, b and v, each stacked (sum N, width).
            probabilities: p (sum N, C + 1), stacked.
            sequences: The images, in the given order of their objects.

        Returns:
            (B, L, L) logits [image, parent, child], in float32 also under
            autocast: B starts with large numbers.
        """
        with torch.autocast(probabilities.device.type, enabled=False):
            query = self._query([part.float() for part in features])
            child, parent = (
                sequences.pad(torch.relu(fc(query)))
                for fc in (self.child_fc, self.parent_fc)
            )
            classes = sequences.pad(probabilities.float())
            table = self.class_prior.view(classes.shape[-1], -1)
            prior = classes @ table @ classes.mT
            # the linear layer on all pairs, without listing these
            width = child.shape[-1]
            weights = self.vision_fc.weight[0].split([width, width, width, 1])
            vision = (parent * weights[0]) @ child.mT
            vision = vision + (child @ weights[1])[:, None]
            vision = vision + (parent @ weights[2])[..., None]
            vision = vision + weights[3] * prior + self.vision_fc.bias
            return vision.sigmoid() * prior

    def _query(self, features: Sequence[Tensor]) -> Tensor:
        """Make q (sum N, hidden_channels) of f, e, b and v."""
        layers = self.region_fc, self.embed_fc, self.box_fc, self.overlap_fc
        parts = [
            layer(part)
            for layer, part in zip(layers, features, strict=True)
            if layer is not None
        ]
        return torch.relu(self.input_fc(torch.cat(parts, dim=1)))


@MODELS.register_module()
class VCTreeRelHead(BaseRelationHead):
    """Tang et al. 2019: the objects of an image form a tree, LSTMs read it.

    For the N objects of an image, with f_i their regions, l_i the detector's
    class distribution, one-hot where the class is given, and b_i the nine
    numbers of their boxes::

        tree = ObjectTrees(sigmoid(TreeScores(f, K0 l, b, overlaps)))
        O0 = [f, K0 l, B b]
        O1 = TreeLSTM(O0)                   up and down the tree
        O2 = TreeLabelDecoder([O0, O1])     each class given the parent's
        E  = TreeLSTM([K1 argmax(O2), f, O1])
        [s, o] = relu(role_fc E)            as a subject, and as an object
        logits = W (W [s_i, o_j] * F_ij)

    and on top the frequency bias of the two classes. ``loss_tree`` teaches
    the scores which objects are related, in either direction.

    As in Scene-Graph-Benchmark, whose results this reproduces, without the
    reinforcement learning of the paper. There, too, the class that a
    detection gets by :func:`late_nms` is not the one that E and the frequency
    bias read in inference, which is the likeliest. In training they read the
    true one here, as in all heads.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        features: Config of :class:`PairFeatures`, which makes f and F, or
            None to leave both out.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        embed_channels: Width of all word tables.
        box_channels: Width of B b.
        hidden_channels: Width of O1, E, s and o.
        pair_channels: Width of F where no F says it.
        kwargs: As of :class:`BaseRelationHead`.
    """

    independent_pairs = True
    late_nms_rule = 'background'

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        frequency_bias: bool = True,
        embed_channels: int = 200,
        box_channels: int = 128,
        hidden_channels: int = 512,
        pair_channels: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        self.features = PairFeatures(**features or {})
        regions = self.features.object_channels
        pair_channels = self.features.union_channels or pair_channels
        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.box_embedding = RelativeBoxEmbedding(box_channels)
        self.tree_scores = TreeScores(
            regions, embed_channels, hidden_channels, num_classes
        )
        width = regions + embed_channels + box_channels
        self.object_lstm = TreeLSTM(width, hidden_channels)
        self.label_decoder = TreeLabelDecoder(
            width + hidden_channels,
            hidden_channels,
            num_classes,
            embed_channels,
        )
        self.edge_lstm = TreeLSTM(
            embed_channels + regions + hidden_channels, hidden_channels
        )
        self.role_fc = nn.Linear(hidden_channels, 2 * hidden_channels)
        self.gate_fc = nn.Linear(2 * hidden_channels, pair_channels)
        self.predicate_fc = nn.Linear(pair_channels, num_predicates + 1)

    def start_from_frequencies(self) -> None:
        """Start B of the trees from the table of the frequency bias."""
        table = self.frequency_bias.table.weight
        rows = self.num_classes + 1
        self.tree_scores.set_frequencies(table.view(rows, rows, -1))

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
        max_triplets: int | None = None,
    ) -> RelationOutput:
        """See the base class."""
        bboxes = [image.bboxes for image in objects]
        boxes, sizes = torch.cat(bboxes), image_size_of_each(objects)
        regions = self.features.embed_objects(x, bboxes)  # f
        classes = class_probabilities(objects)  # l
        words = classes @ self.object_embedding.weight
        tree_logits = self.score_objects(objects, regions, classes, words)
        trees = ObjectTrees(tree_logits.sigmoid(), [*map(len, bboxes)])
        positions = self.box_embedding(boxes, sizes)
        context = torch.cat([regions, words, positions], dim=1)  # O0
        hidden = self.object_lstm(context, trees)  # O1
        refined = self.label_decoder(
            torch.cat([context, hidden], dim=1), trees
        )
        object_logits, labels = self.decide_classes(objects, refined, targets)
        seen = (
            labels if targets else likeliest_classes(objects, labels, refined)
        )
        edges = torch.cat([self.edge_embedding(seen), regions, hidden], dim=1)
        edges = self.edge_lstm(edges, trees)  # E
        roles = torch.relu(self.role_fc(edges)).chunk(2, dim=1)

        def score(chunk: Tensor, unions: Tensor) -> Tensor:
            gates = self.gate_fc(pair_roles(roles, chunk))
            scores = self.predicate_fc(gates * unions)
            return self.add_frequency_bias(scores, seen[chunk])

        return self.collect(
            object_logits,
            labels,
            self.features.score(
                x,
                bboxes,
                stack_pairs(bboxes, pairs),
                score,
                image_sizes(objects),
                **search_triplets(
                    self, objects, object_logits, labels, pairs, max_triplets
                ),
            ),
            pairs,
            tree_logits=tree_logits,
            bboxes=boxes,
        )

    def score_objects(
        self,
        objects: list[InstanceData],
        regions: Tensor,
        classes: Tensor,
        words: Tensor,
    ) -> Tensor:
        """Score who is whose child, (B, L, L) logits of [parent, child]."""
        sizes = [*map(len, objects)]
        boxes = torch.cat([image.bboxes for image in objects])
        images = torch.arange(len(sizes)).repeat_interleave(
            torch.tensor(sizes)
        )
        features = [
            regions,
            words,
            image_geometry(boxes, image_size_of_each(objects)),
            overlap_numbers(boxes, images.to(boxes.device)),
        ]
        sequences = ObjectSequences(sizes, device=boxes.device)
        return self.tree_scores(features, classes, sequences)

    def auxiliary_losses(
        self, output: RelationOutput, batch_data_samples: list[SGDataSample]
    ) -> dict[str, Tensor]:
        """Compare the scores of the trees with what is related at all.

        The mean over the N * N pairs of an image, the diagonal included, and
        over the images.
        """
        logits = output.auxiliary['tree_logits']
        sizes = [*map(len, output.labels)]
        total = 0 * logits.sum()
        for image_logits, bboxes, sample in zip(
            logits,
            output.auxiliary['bboxes'].split(sizes),
            batch_data_samples,
            strict=True,
        ):
            if len(bboxes):
                wanted = self.related(bboxes, sample).to(logits.dtype)
                own = image_logits[: len(bboxes), : len(bboxes)]
                total = total + F.binary_cross_entropy_with_logits(own, wanted)
        return dict(loss_tree=total / len(sizes))

    def related(self, bboxes: Tensor, sample: SGDataSample) -> Tensor:
        """Say which objects (N, N) have a relation, in either direction."""
        match, _ = self.sampler.match(
            InstanceData(bboxes=bboxes), sample.gt_instances, self.num_classes
        )
        match = match.float()
        related = match.new_zeros(match.shape[1], match.shape[1])
        subjects, objects = sample.gt_relations.pairs.T
        related[subjects, objects] = 1
        related[objects, subjects] = 1
        return match @ related @ match.T > 0


def likeliest_classes(
    objects: list[InstanceData], labels: Tensor, logits: Tensor
) -> Tensor:
    """Replace, among labels (sum N,), those of late NMS by the likeliest.

    ``logits`` (sum N, C + 1) are what it chose by.
    """
    sizes = [*map(len, objects)]
    likeliest = logits[:, :-1].argmax(dim=1).split(sizes)
    return torch.cat(
        [
            given if 'labels' in image else best
            for image, given, best in zip(
                objects, labels.split(sizes), likeliest, strict=True
            )
        ]
    )
