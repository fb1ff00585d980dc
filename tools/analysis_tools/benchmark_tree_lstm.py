"""Time VCTree's tree LSTM level by level beside a plain recursion.

All go through the same trees, grown from random scores, with the same
weights, and must give the same. The recursion takes a node of an image at a
time, as the published code does; a second one has the linear layers on the
objects done for all nodes at once before. Runs alternate within one process.

Example:
    OMP_NUM_THREADS=1 python tools/analysis_tools/benchmark_tree_lstm.py
"""

import sys
import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from statistics import median

import torch
from mmengine.utils import track_iter_progress
from torch import Tensor

from mmsgg.models.relation_heads.object_trees import ObjectTrees
from mmsgg.models.relation_heads.tree_lstm import TreeLSTM
from report_tables import markdown_table

State = tuple[Tensor, Tensor]


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('--objects', type=int, default=64, help='objects of an image')
    add('--images', type=int, default=6, help='images of a batch')
    add('--in-channels', type=int, default=4424, help='as on VG150')
    add('--channels', type=int, default=512, help='both directions together')
    add('--runs', type=int, default=5, help='the median counts')
    add('--device', default='cpu', help='such as cuda:0')
    add('--seed', type=int, default=0, help='of the random numbers')
    return parser.parse_args(argv)


class Recursion:
    """A tree LSTM that walks the trees node by node.

    Args:
        lstm: Whose weights to use.
        at_once: Whether the layers on the objects see all nodes at once.
    """

    def __init__(self, lstm: TreeLSTM, at_once: bool = False) -> None:
        self.lstm = lstm
        self.at_once = at_once

    def __call__(self, x: Tensor, trees: ObjectTrees) -> Tensor:
        """Map stacked (sum N, in_channels) to (sum N, out_channels)."""
        children = trees.children.tolist()
        roots = (trees.parents < 0).nonzero()[0].tolist()
        halves = []
        for half, walk in (
            (self.lstm.upward, self._up),
            (self.lstm.downward, self._down),
        ):
            inputs = None
            if self.at_once:
                inputs = torch.cat([half.px(x), half.gates_x(x)], dim=1)
            out: dict[int, Tensor] = {}
            for root in roots:
                walk(root, (x, inputs), children, out)
            halves.append(torch.cat([out[i] for i in range(len(x))]))
        return torch.cat(halves, dim=1)

    @staticmethod
    def _inputs(
        layer: torch.nn.Module,
        node: int,
        x: tuple[Tensor, Tensor | None],
    ) -> State:
        """Map x of a node through the layers on objects."""
        rows, inputs = x
        if inputs is None:
            row = rows[node : node + 1]
            return layer.px(row), layer.gates_x(row)
        width = layer.px.out_features
        own = inputs[node : node + 1]
        return own[:, :width], own[:, width:]

    def _up(
        self,
        node: int,
        x: tuple[Tensor, Tensor | None],
        children: list[list[int]],
        out: dict[int, Tensor],
    ) -> State:
        """Read a node after its children; returns h and c, each (1, D)."""
        layer = self.lstm.upward
        skip, gates = self._inputs(layer, node, x)
        nothing = torch.zeros_like(skip), torch.zeros_like(skip)
        left, right = (
            nothing if child < 0 else self._up(child, x, children, out)
            for child in children[node]
        )
        gates = gates + layer.gates_left(left[0]) + layer.gates_right(right[0])
        i, o, f_left, f_right, u, r = gates.chunk(6, dim=1)
        cell = i.sigmoid() * u.tanh()
        cell = cell + f_left.sigmoid() * left[1] + f_right.sigmoid() * right[1]
        hidden = o.sigmoid() * cell.tanh()
        out[node] = r.sigmoid() * hidden + (1 - r.sigmoid()) * skip
        return out[node], cell

    def _down(
        self,
        node: int,
        x: tuple[Tensor, Tensor | None],
        children: list[list[int]],
        out: dict[int, Tensor],
        state: State | None = None,
    ) -> None:
        """Read a node before its children."""
        layer = self.lstm.downward
        skip, gates = self._inputs(layer, node, x)
        if state is None:
            state = torch.zeros_like(skip), torch.zeros_like(skip)
        gates = gates + layer.gates_parent(state[0])
        i, o, f, u, r = gates.chunk(5, dim=1)
        cell = i.sigmoid() * u.tanh() + f.sigmoid() * state[1]
        hidden = o.sigmoid() * cell.tanh()
        out[node] = r.sigmoid() * hidden + (1 - r.sigmoid()) * skip
        for child in children[node]:
            if child >= 0:
                self._down(child, x, children, out, (out[node], cell))


def seconds(run: Callable[[], object], device: str) -> float:
    """Time one run, until the device is done."""
    start = time.perf_counter()
    run()
    if device != 'cpu':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> None:
    """Check that all agree, time them and print a table."""
    args = parse_args(argv)
    torch.manual_seed(args.seed)
    lstm = TreeLSTM(args.in_channels, args.channels).to(args.device)
    sizes = [args.objects] * args.images
    x = torch.randn(sum(sizes), args.in_channels, device=args.device)
    scores = torch.rand(args.images, args.objects, args.objects).to(x)
    trees = ObjectTrees(scores, sizes)
    ways = {
        'recursion': Recursion(lstm),
        'recursion, objects at once': Recursion(lstm, at_once=True),
        'level by level': lstm,
    }
    with torch.no_grad():
        outputs = [way(x, trees) for way in ways.values()]
    for output in outputs[1:]:
        torch.testing.assert_close(output, outputs[0], atol=1e-4, rtol=1e-4)

    def train(way: Callable) -> None:
        way(x, trees).sum().backward()

    def infer(way: Callable) -> None:
        with torch.no_grad():
            way(x, trees)

    times: dict[str, list[list[float]]] = {name: [[], []] for name in ways}
    growing = []
    for _ in track_iter_progress(range(args.runs), file=sys.stderr):
        growing.append(
            seconds(lambda: ObjectTrees(scores, sizes), args.device)
        )
        for name, way in ways.items():
            for i, run in enumerate((infer, train)):
                times[name][i].append(
                    seconds(lambda run=run, way=way: run(way), args.device)
                )
    best = [median(values) for values in times['level by level']]
    print(
        f'{args.images} x {args.objects} objects, {len(trees)} levels; '
        f'growing the trees {1e3 * median(growing):.1f} ms\n'
    )
    rows = []
    for name, columns in times.items():
        rows.append([name])
        for values, fast in zip(columns, best, strict=True):
            took = median(values)
            rows[-1] += f'{1e3 * took:.1f}', f'{took / fast:.1f}'
    heads = ['way', 'forward, ms', 'x', 'forward and backward, ms', 'x']
    print(markdown_table(heads, rows))


if __name__ == '__main__':
    main()
