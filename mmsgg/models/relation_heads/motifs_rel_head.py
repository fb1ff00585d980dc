"""Neural motifs: LSTMs over the objects of an image (arXiv 1711.06640)."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Literal

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmsgg.models.layers import BoxEmbedding, ObjectSequences
from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .pair_features import REGION_WEIGHTS, PairFeatures, stack_pairs

ORDERS = ('leftright', 'confidence', 'size')


class ObjectLSTM(nn.LSTM):
    """:class:`torch.nn.LSTM`, both ways, never across images.

    Args:
        in_channels: Width of an object's feature.
        out_channels: Width of both directions together.
        num_layers: Layers.
        dropout: Probability of dropping a channel between layers.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_layers: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels // 2,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=True,
        )

    def forward(  # type: ignore[override]
        self, x: Tensor, sequences: ObjectSequences
    ) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels).

        In float32, also under autocast: few processors have a bfloat16 LSTM.
        """
        with torch.autocast(x.device.type, enabled=False):
            packed = pack_padded_sequence(
                sequences.pad(x.float()),
                sequences.lengths,
                batch_first=True,
                enforce_sorted=False,
            )
            # torch 2.1 hides its type
            forward = super().forward  # type: ignore[has-type]
            packed_out, _ = forward(packed)
        out, _ = pad_packed_sequence(packed_out, batch_first=True)
        return sequences.unpad(out)


class LabelDecoder(nn.Module):
    """Classify each object knowing the class of the one before it.

    Zellers et al. 2018, eq. 4 and 5: with c_t the context of the t-th object
    and o_t its class::

        h_t = LSTM([c_t, K o_{t-1}]);  logits_t = W h_t;  o_t = argmax logits_t

    All images take a step together; an object sees those before it in its own
    image.

    Args:
        in_channels: Width of c.
        hidden_channels: Width of h.
        num_classes: Object classes C, without background.
        embed_channels: Width of the word table K.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_classes: int,
        embed_channels: int,
    ) -> None:
        super().__init__()
        # its last row stands before the first object
        self.embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.cell = nn.LSTMCell(in_channels + embed_channels, hidden_channels)
        self.classifier = nn.Linear(hidden_channels, num_classes + 1)

    def forward(
        self, context: Tensor, forced: Tensor, sequences: ObjectSequences
    ) -> Tensor:
        """Decode a batch greedily.

        Args:
            context: c (sum N, in_channels), stacked.
            forced: (sum N,) classes to go on from whatever was found
                (teacher forcing), background (C) where none is.
            sequences: Who comes after whom.

        Returns:
            (sum N, C + 1) class logits, background last, stacked.
        """
        context, forced = sequences.pad(context), sequences.pad(forced)
        background = self.classifier.out_features - 1
        labels = torch.full_like(forced[:, 0], background)
        state = None
        logits = []
        for step in range(context.shape[1]):
            words = self.embedding(labels)
            state = self.cell(
                torch.cat([context[:, step], words], dim=1), state
            )
            logits.append(self.classifier(state[0]))
            likeliest = logits[-1][:, :-1].argmax(dim=1)
            given = forced[:, step]
            labels = torch.where(given < background, given, likeliest)
        return sequences.unpad(torch.stack(logits, dim=1))


@MODELS.register_module()
class MotifsRelHead(BaseRelationHead):
    """Zellers et al. 2018: objects, then edges, read as sequences.

    For the N objects of an image, with f_i their regions, l_i the detector's
    class distribution and b_i their boxes::

        O0 = [f, K0 l, B b]
        O1 = biLSTM(O0)
        O2 = LabelDecoder(O1)        each class given the one before it
        E  = biLSTM([K1 argmax(O2), O1])
        [s, o] = role_fc E           as a subject, and as an object
        G0 = s_i * o_j * F_ij;  logits = W G0

    and on top the frequency bias of the two classes.

    The LSTMs are torch's, where the authors' code has highway connections and
    alternates directions from layer to layer. One order, made of what the
    detector says, serves objects and edges.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        features: Config of :class:`PairFeatures`, which makes f and F, or
            None to leave both out.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        order: What the objects of an image are sorted by: 'leftright' the
            centres of their boxes, 'confidence' of the detector, the most
            confident first, or 'size' of the box, the largest first.
        num_object_layers: Layers of the LSTM over objects.
        num_edge_layers: Layers of the LSTM over edges.
        embed_channels: Width of all word tables.
        box_channels: Width of B b.
        hidden_channels: Width of O1, E and h of the decoder.
        pair_channels: Width of G0 where no F says it.
        dropout: Probability of dropping a channel between LSTM layers.
        kwargs: As of :class:`BaseRelationHead`.

    Raises:
        ValueError: If the order is unknown.
    """

    renamed_weights = REGION_WEIGHTS

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        frequency_bias: bool = True,
        order: Literal['leftright', 'confidence', 'size'] = 'leftright',
        num_object_layers: int = 2,
        num_edge_layers: int = 4,
        embed_channels: int = 200,
        box_channels: int = 128,
        hidden_channels: int = 512,
        pair_channels: int = 512,
        dropout: float = 0.1,
        **kwargs: Any,
    ) -> None:
        if order not in ORDERS:
            raise ValueError(
                f'MotifsRelHead: unknown order {order!r}; set '
                f'relation_head.order to one of {", ".join(ORDERS)}'
            )
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        self.order = order
        self.features = PairFeatures(**features or {})
        pair_channels = self.features.union_channels or pair_channels
        # K0 reads the detector's distribution, K1 the class decided on
        self.object_embedding = nn.Embedding(num_classes + 1, embed_channels)
        self.edge_embedding = nn.Embedding(num_classes, embed_channels)
        self.box_embedding = BoxEmbedding(box_channels)
        self.object_lstm = ObjectLSTM(
            self.features.object_channels + embed_channels + box_channels,
            hidden_channels,
            num_object_layers,
            dropout,
        )
        self.label_decoder = LabelDecoder(
            hidden_channels, hidden_channels, num_classes, embed_channels
        )
        self.edge_lstm = ObjectLSTM(
            embed_channels + hidden_channels,
            hidden_channels,
            num_edge_layers,
            dropout,
        )
        self.role_fc = nn.Linear(hidden_channels, 2 * pair_channels)
        self.predicate_fc = nn.Linear(pair_channels, num_predicates + 1)

        # as in neural-motifs: what an LSTM puts out is small, and from the
        # usual weights the product of three features would start near zero
        nn.init.normal_(self.role_fc.weight, std=10 / sqrt(hidden_channels))
        nn.init.zeros_(self.role_fc.bias)
        nn.init.xavier_normal_(self.predicate_fc.weight)

    @property
    def uses_image(self) -> bool:
        """Whether anything looks at the feature maps."""
        return self.features.uses_image

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """See the base class."""
        bboxes = [image.bboxes for image in objects]
        logits = torch.cat([image.logits for image in objects])
        sequences = self.sequences(bboxes, logits)
        features = [  # O0
            self.features.embed_objects(x, bboxes),
            logits.softmax(dim=1) @ self.object_embedding.weight,
            self.box_embedding(torch.cat(bboxes)),
        ]
        hidden = self.object_lstm(torch.cat(features, dim=1), sequences)  # O1
        known = self.known_classes(objects, targets)
        refined = self.label_decoder(hidden, known, sequences)  # O2
        object_logits, labels = self.decide_classes(objects, refined, targets)

        edges = torch.cat([self.edge_embedding(labels), hidden], dim=1)
        edges = self.edge_lstm(edges, sequences)  # E
        roles = self.role_fc(edges).chunk(2, dim=1)

        def score(chunk: Tensor, unions: Tensor) -> Tensor:
            scores = self.score_pairs(roles, chunk, unions)
            return self.add_frequency_bias(scores, labels[chunk])

        scores = self.features.score(
            x, bboxes, stack_pairs(bboxes, pairs), score
        )
        return self.collect(object_logits, labels, scores, pairs)

    def score_pairs(
        self, roles: Sequence[Tensor], pairs: Tensor, unions: Tensor
    ) -> Tensor:
        """Score the predicates of k pairs.

        Args:
            roles: s and o, each (sum N, pair).
            pairs: (k, 2) rows [subject, object] of both.
            unions: F (k, pair), or ones (k, 1).

        Returns:
            (k, P + 1) logits without the frequency bias.
        """
        joint = roles[0][pairs[:, 0]] * roles[1][pairs[:, 1]]
        return self.predicate_fc(joint * unions)

    def sequences(
        self, bboxes: list[Tensor], logits: Tensor
    ) -> ObjectSequences:
        """Sort the objects of each image by ``order``."""
        stacked = torch.cat(bboxes)
        if self.order == 'leftright':
            keys = stacked[:, 0] + stacked[:, 2]
        elif self.order == 'size':
            keys = -(stacked[:, 2:] - stacked[:, :2]).prod(dim=1)
        else:
            keys = -logits.softmax(dim=1)[:, :-1].amax(dim=1)
        return ObjectSequences([*map(len, bboxes)], keys)

    def known_classes(
        self,
        objects: list[InstanceData],
        targets: list[RelationTargets] | None,
    ) -> Tensor:
        """List what the decoder goes on from, (sum N,); background if open."""
        known = []
        for i, image in enumerate(objects):
            if 'labels' in image:
                known.append(image.labels)
            elif targets is not None:
                known.append(targets[i].labels)
            else:
                known.append(
                    image.bboxes.new_full(
                        (len(image),), self.num_classes, dtype=torch.long
                    )
                )
        return torch.cat(known)
