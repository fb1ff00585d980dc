"""Name the objects of an image one after another (neural-motifs)."""

import torch
from torch import Tensor, nn

from .object_sequences import ObjectSequences


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
