"""How often a predicate holds between two classes, as a bias."""

import numpy as np
import torch
from torch import Tensor, nn


class FrequencyBias(nn.Module):
    """log P(predicate | subject class, object class), a learnable table.

    The table starts at zero, which is no bias at all; :meth:`set_counts`
    fills it from the training set. It is a parameter: training refines it,
    and a checkpoint carries it, so that inference needs no data set.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        background: Whether a class can be background, which then comes last
            (Scene-Graph-Benchmark).
    """

    def __init__(
        self, num_classes: int, num_predicates: int, background: bool = False
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_rows = num_classes + background
        self.table = nn.Embedding(self.num_rows**2, num_predicates + 1)
        nn.init.zeros_(self.table.weight)

    @torch.no_grad()
    def set_counts(self, counts: np.ndarray, eps: float = 1e-3) -> None:
        """Turn counts into log frequencies.

        Args:
            counts: (C, C, P + 1) how many pairs of [subject class, object
                class] have each predicate; last, how many have none.
            eps: Floor under each probability, so that what never occurred in
                training stays possible.

        Raises:
            ValueError: If the counts are of another vocabulary.
        """
        classes, logits = self.num_classes, self.table.embedding_dim
        expected = (classes, classes, logits)
        if counts.shape != expected:
            raise ValueError(
                f'FrequencyBias: counts of shape {counts.shape} do not fit '
                f'this model, which needs {expected}; set num_classes and '
                f"num_predicates of the relation head to the data set's"
            )
        missing = self.num_rows - classes
        counts = np.pad(counts, [(0, missing), (0, missing), (0, 0)])
        # one background pair more, so that a pair of classes that was never
        # seen is most probably unrelated
        counts = counts.astype(np.float64)
        counts[..., -1] += 1
        logs = np.log(counts / counts.sum(axis=-1, keepdims=True) + eps)
        weight = self.table.weight
        weight.copy_(torch.as_tensor(logs, dtype=weight.dtype).flatten(0, 1))

    def forward(self, labels: Tensor) -> Tensor:
        """Look K pairs up.

        Args:
            labels: (K, 2) 0-based [subject class, object class].

        Returns:
            (K, P + 1) logits, background last.
        """
        return self.table(labels[:, 0] * self.num_rows + labels[:, 1])

    def expected(self, subjects: Tensor, objects: Tensor) -> Tensor:
        """Average the table over the classes that K pairs may have.

        Args:
            subjects: (K, rows) probabilities of the subjects' classes, which
                include background where the table does.
            objects: (K, rows) those of the objects.

        Returns:
            (K, P + 1) logits, background last.
        """
        rows = self.num_rows
        of_subjects = subjects @ self.table.weight.reshape(rows, -1)
        table = of_subjects.unflatten(1, (rows, -1))
        return torch.einsum('kop,ko->kp', table, objects)
