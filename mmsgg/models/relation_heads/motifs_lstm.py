"""The LSTMs of Motifs."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmsgg.models.layers import ObjectSequences


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


class HighwayLSTMCell(nn.Module):
    """A step of an LSTM with a highway past it (neural-motifs).

    With x the input, h and c the state, of six parts of W x + b and five of
    V h + b::

        i, f, o, g = sigmoid of the sums;  m = tanh of the sum
        c' = i m + f c;  h' = g o tanh(c') + (1 - g) a

    a the part of W x + b that has no counterpart. It is called as
    :class:`torch.nn.LSTMCell` is.

    Args:
        in_channels: Width of x.
        hidden_channels: Width of h and c.
    """

    def __init__(self, in_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.input_fc = nn.Linear(in_channels, 6 * hidden_channels)
        self.state_fc = nn.Linear(hidden_channels, 5 * hidden_channels)

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Take a step from x (n, in_channels) and h, c, each (n, hidden)."""
        *parts, past = self.input_fc(x).chunk(6, dim=1)
        if state is None:
            state = torch.zeros_like(past), torch.zeros_like(past)
        hidden, cell = state
        sums = [
            part + of_state
            for part, of_state in zip(
                parts, self.state_fc(hidden).chunk(5, dim=1), strict=True
            )
        ]
        take, forget, _, out, gate = map(torch.sigmoid, sums)
        cell = take * torch.tanh(sums[2]) + forget * cell
        hidden = gate * out * torch.tanh(cell) + (1 - gate) * past
        return hidden, cell


class LabelDecoder(nn.Module):
    """Classify each object knowing the class of the one before it.

    Zellers et al. 2018, eq. 4 and 5: with c_t the context of the t-th object
    and o_t its class::

        h_t = LSTM([c_t, K o_{t-1}]);  logits_t = W h_t;  o_t = argmax logits_t

    All images take a step together; an object sees those before it in its own
    image. The LSTM has a highway, as in the authors' code.

    Args:
        in_channels: Width of c.
        hidden_channels: Width of h.
        num_classes: Object classes C, without background.
        embed_channels: Width of the word table K.
        dropout: Probability of dropping a channel of h in training, the same
            at each step.
        highway: Whether the LSTM is :class:`HighwayLSTMCell`, not torch's,
            and K has a row more, of background, which nothing reads.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_classes: int,
        embed_channels: int,
        dropout: float = 0.0,
        highway: bool = True,
    ) -> None:
        super().__init__()
        # row C stands before the first object
        rows = num_classes + 1 + highway
        self.embedding = nn.Embedding(rows, embed_channels)
        self.cell: nn.Module = (HighwayLSTMCell if highway else nn.LSTMCell)(
            in_channels + embed_channels, hidden_channels
        )
        self.dropout = dropout
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
        width = self.classifier.in_features
        kept = F.dropout(
            context.new_ones(len(context), width), self.dropout, self.training
        )
        state: tuple[Tensor, Tensor] | None = None
        logits = []
        for step in range(context.shape[1]):
            words = self.embedding(labels)
            hidden, cell = self.cell(
                torch.cat([context[:, step], words], dim=1), state
            )
            state = hidden * kept, cell
            logits.append(self.classifier(state[0]))
            likeliest = logits[-1][:, :-1].argmax(dim=1)
            given = forced[:, step]
            labels = torch.where(given < background, given, likeliest)
        return sequences.unpad(torch.stack(logits, dim=1))
