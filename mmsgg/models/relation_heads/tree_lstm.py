"""LSTMs along the trees of a batch, a level of all trees at a time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .object_trees import ObjectTrees


class UpwardTreeLSTM(nn.Module):
    """Read each tree from the leaves to the root (Tang et al. 2019, eq. 7).

    With the states h_l, c_l and h_r, c_r of the left and the right child,
    zero where there is none, and ``px`` a linear layer::

        i, o, f_l, f_r, u, r = W x + U_l h_l + U_r h_r
        c = i tanh(u) + f_l c_l + f_r c_r
        h = r o tanh(c) + (1 - r) px(x)

    all gates but u through a sigmoid. Each linear layer has a bias, which
    counts where there is no child too.

    Args:
        in_channels: Width of x.
        out_channels: Width of h.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.px = nn.Linear(in_channels, out_channels)
        self.gates_x = nn.Linear(in_channels, 6 * out_channels)
        self.gates_left = nn.Linear(out_channels, 6 * out_channels)
        self.gates_right = nn.Linear(out_channels, 6 * out_channels)

    def forward(self, x: Tensor, trees: ObjectTrees) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels)."""
        sides = self.gates_left, self.gates_right
        weight = torch.cat([side.weight for side in sides], dim=1)
        bias = self.gates_left.bias + self.gates_right.bias
        skips = trees.split(self.px(x))
        inputs = trees.split(self.gates_x(x) + bias)
        hidden = x.new_zeros(0, self.px.out_features)
        cell = hidden
        levels = []
        for depth in reversed(range(len(trees))):
            children = trees.below[depth]
            # the row behind the last one stands for no child
            hidden = F.pad(hidden, (0, 0, 0, 1))[children].flatten(1)
            left, right = F.pad(cell, (0, 0, 0, 1))[children].unbind(dim=1)
            gates = torch.addmm(inputs[depth], hidden, weight.t())
            i, o, f_left, f_right, u, r = gates.chunk(6, dim=1)
            cell = torch.sigmoid(i) * torch.tanh(u)
            cell = cell + torch.sigmoid(f_left) * left
            cell = cell + torch.sigmoid(f_right) * right
            hidden = torch.sigmoid(o) * torch.tanh(cell)
            hidden = torch.lerp(skips[depth], hidden, torch.sigmoid(r))
            levels.append(hidden)
        return trees.join(levels[::-1])


class DownwardTreeLSTM(nn.Module):
    """Read each tree from the root to the leaves (ibid.).

    With the state h_p, c_p of the parent, zero above a root::

        i, o, f, u, r = W x + U h_p
        c = i tanh(u) + f c_p
        h = r o tanh(c) + (1 - r) px(x)

    Args:
        in_channels: Width of x.
        out_channels: Width of h.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.px = nn.Linear(in_channels, out_channels)
        self.gates_x = nn.Linear(in_channels, 5 * out_channels)
        self.gates_parent = nn.Linear(out_channels, 5 * out_channels)

    def forward(self, x: Tensor, trees: ObjectTrees) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels)."""
        state = self.start(x, trees)
        levels = []
        for skip, gates, above in zip(
            trees.split(self.px(x)),
            trees.split(self.gates_x(x)),
            trees.above,
            strict=True,
        ):
            state = self.step(skip, gates, state[:, above])
            levels.append(state[0])
        return trees.join(levels)

    def start(self, x: Tensor, trees: ObjectTrees) -> Tensor:
        """Make the zero state (2, n, out_channels) above the roots."""
        return x.new_zeros(2, len(trees.above[0]), self.px.out_features)

    def step(self, skip: Tensor, gates: Tensor, state: Tensor) -> Tensor:
        """Go a level down.

        Args:
            skip: px(x), (n, out_channels).
            gates: W x, (n, 5 * out_channels).
            state: h_p and c_p, (2, n, out_channels).

        Returns:
            h and c, (2, n, out_channels).
        """
        hidden, cell = state
        i, o, f, u, r = (gates + self.gates_parent(hidden)).chunk(5, dim=1)
        cell = torch.sigmoid(i) * torch.tanh(u) + torch.sigmoid(f) * cell
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        hidden = torch.lerp(skip, hidden, torch.sigmoid(r))
        return torch.stack([hidden, cell])


class TreeLSTM(nn.Module):
    """Both ways, half of the channels each, the upward ones first.

    Args:
        in_channels: Width of an object's feature.
        out_channels: Width of both directions together.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.upward = UpwardTreeLSTM(in_channels, out_channels // 2)
        self.downward = DownwardTreeLSTM(in_channels, out_channels // 2)

    def forward(self, x: Tensor, trees: ObjectTrees) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels).

        In float32, also under autocast, as other LSTMs here.
        """
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            both = [self.upward(x, trees), self.downward(x, trees)]
        return torch.cat(both, dim=1)


class TreeLabelDecoder(nn.Module):
    """Classify each object knowing the class of its parent in the tree.

    With c the context of an object and o_p the class of its parent::

        h = DownwardTreeLSTM([c, K o_p]);  logits = W h

    In inference o is the likeliest class; in training it is drawn from the
    predicted distribution, whatever the true one is. Background is neither.

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
        # behind the classes: what stands above a root, and background,
        # which nobody decides on but which published weights have
        self.embedding = nn.Embedding(num_classes + 2, embed_channels)
        self.lstm = DownwardTreeLSTM(
            in_channels + embed_channels, hidden_channels
        )
        self.classifier = nn.Linear(hidden_channels, num_classes + 1)

    def forward(self, context: Tensor, trees: ObjectTrees) -> Tensor:
        """Map c (sum N, in_channels) to class logits (sum N, C + 1).

        In float32, as :class:`TreeLSTM`.
        """
        with torch.autocast(context.device.type, enabled=False):
            return self._decode(context.float(), trees)

    def _decode(self, context: Tensor, trees: ObjectTrees) -> Tensor:
        """Go down level by level; see :meth:`forward`."""
        lstm = self.lstm
        inputs = torch.cat([lstm.px.weight, lstm.gates_x.weight])
        bias = torch.cat([lstm.px.bias, lstm.gates_x.bias])
        width = context.shape[1]
        sizes = [len(lstm.px.bias), len(lstm.gates_x.bias)]
        words = self.embedding.weight @ inputs[:, width:].t()  # C + 2, ...
        levels = trees.split(F.linear(context, inputs[:, :width], bias))
        state = lstm.start(context, trees)
        labels = trees.above[0] + len(words) - 2
        logits = []
        for level, above in zip(levels, trees.above, strict=True):
            level = level + words[labels[above]]
            skip, gates = level.split(sizes, dim=1)
            state = lstm.step(skip, gates, state[:, above])
            logits.append(self.classifier(state[0]))
            labels = self._choose(logits[-1][:, :-1])
        return trees.join(logits)

    def _choose(self, logits: Tensor) -> Tensor:
        """Decide on (n,) classes by (n, C) logits."""
        if self.training and len(logits):
            return logits.softmax(dim=1).multinomial(1)[:, 0]
        return logits.argmax(dim=1)
