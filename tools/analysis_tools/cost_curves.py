"""Draw how time and memory grow: of heads, of the metric, of the reader.

Everything is random, as in benchmark_model.py, benchmark_evaluation.py and
benchmark_data.py. Time is the least time on a core of some runs (of the
clock, on a GPU), so that a busy machine does little to it.

Examples:
    python tools/analysis_tools/cost_curves.py --out-dir curves \
        --configs configs/*/predcls.py
"""

import ctypes
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from mmengine.config import Config

import benchmark_data
import benchmark_evaluation
from benchmark_model import quiet_mmengine
from mmsgg.arguments import config_file
from mmsgg.evaluation import SceneGraphMetric
from model_costs import ModelBenchmark
from model_costs.stage_meter import PeakMemory

#: of each line, by its name: (x, seconds, MB or None)
Curves = dict[str, list[tuple[int, float, float | None]]]


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    add = parser.add_argument
    add('--out-dir', type=Path, required=True, help='for pictures and JSON')
    add(
        '--configs',
        type=config_file,
        nargs='*',
        default=[],
        help='of predcls or sgcls, one a relation head',
    )
    add(
        '--objects',
        type=int,
        nargs='+',
        default=[8, 16, 32, 64, 128, 256],
        help='of an image (default: 8 16 32 64 128 256)',
    )
    add(
        '--predicates',
        type=int,
        nargs='+',
        default=[25, 50, 100],
        help='that the metric sees (default: 25 50 100)',
    )
    add(
        '--images',
        type=int,
        nargs='*',
        default=[1000, 10_000, 100_000],
        help='of the reader (default: 1000 10000 100000)',
    )
    add(
        '--steps', type=int, default=3, help='to take the best of (default: 3)'
    )
    add('--device', default='cpu', help='of the heads (default: cpu)')
    return parser.parse_args(argv)


def least(
    run: Callable[[], object],
    steps: int,
    device: str | torch.device = 'cpu',
    by_the_clock: bool = False,
) -> float:
    """The seconds of the fastest of some runs, after one more."""
    runs = [timed(run, device, by_the_clock) for _ in range(steps + 1)]
    return min(runs[1:])


def timed(
    run: Callable[[], object],
    device: str | torch.device,
    by_the_clock: bool = False,
) -> float:
    """The seconds of a run, on a core or, as always on a GPU, by the clock."""
    on_cpu = torch.device(device).type == 'cpu'
    on_core = on_cpu and not by_the_clock
    clock = time.process_time if on_core else time.perf_counter
    start = clock()
    run()
    if not on_cpu:
        torch.cuda.synchronize(device)
    return clock() - start


def head_costs(args: Namespace) -> Curves:
    """Measure the prediction of each head, without its detector."""
    curves: Curves = {}
    for path in args.configs:
        cfg = Config.fromfile(path)
        head = cfg.model.relation_head.type.removesuffix('RelHead')
        for num in args.objects:
            curves.setdefault(head, []).append(
                (num, *head_cost(cfg, num, args))
            )
    return curves


def give_back_freed_memory() -> None:
    """Let glibc give back what it keeps, in which a peak would not show."""
    if sys.platform == 'linux':
        trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
        if trim is not None:
            trim(0)


def head_cost(
    cfg: Config, num_objects: int, args: Namespace
) -> tuple[float, float | None]:
    """Measure seconds and MB beyond weights and feature maps of a head."""
    device = torch.device(args.device)
    run = ModelBenchmark(cfg, device, num_objects).head_prediction()
    memory = PeakMemory(device)
    give_back_freed_memory()
    memory.reset()
    before = memory.read()
    seconds = least(run, args.steps, args.device)
    after = memory.read()
    if before is None or after is None:
        return seconds, None
    return seconds, after - before


def metric_costs(args: Namespace) -> Curves:
    """Measure one image of the metric over detections and predicates."""
    curves: Curves = {}
    for num_predicates in args.predicates:
        for num in args.objects:
            settings = benchmark_evaluation.parse_args([])
            settings.detections = num
            settings.predicates = num_predicates
            data = benchmark_evaluation.samples(
                settings, np.random.default_rng(0)
            )
            images = [next(data) for _ in range(3)]
            metric = SceneGraphMetric()
            metric.dataset_meta = dict(predicates=['p'] * num_predicates)
            seconds = least(lambda: metric.process({}, images), args.steps)  # noqa: B023
            curves.setdefault(f'{num_predicates} predicates', []).append(
                (num, seconds / len(images), None)
            )
    return curves


def reader_costs(args: Namespace) -> Curves:
    """Measure opening the files of a data set, each in a new process."""
    curves: Curves = {}
    for num in args.images:
        with TemporaryDirectory() as folder:
            benchmark_data.write_files(Path(folder), num)
            loader = next(iter(benchmark_data.LOADERS))
            figures = benchmark_data.measure_in_new_process(
                folder, loader, 'train'
            )
        curves.setdefault('open, training images', []).append(
            (int(figures['images']), figures['open'], figures['kept'])
        )
    return curves


def draw(path: Path, curves: Curves, x: str, title: str) -> None:
    """Draw seconds, and below them memory where it is known."""
    points = [point for line in curves.values() for point in line]
    known = any(mb is not None for *_, mb in points)
    figure = Figure(figsize=(6, 6.5 if known else 3.5), layout='constrained')
    axes = figure.subplots(1 + known, 1, sharex=True, squeeze=False)[:, 0]
    for name, line in curves.items():
        for ax, i in zip(axes, (1, 2), strict=False):
            shown = [point for point in line if point[i]]  # 0 has no log
            ax.plot(
                [point[0] for point in shown],
                [point[i] for point in shown],
                marker='.',
                label=name,
            )
    for ax, unit in zip(axes, ('seconds', 'MB'), strict=False):
        ax.set(xscale='log', yscale='log', ylabel=unit)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=20))
        ax.yaxis.set_major_formatter('{x:g}')
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.grid(alpha=0.3, which='both')
    ticks = sorted({point[0] for point in points})
    axes[-1].set_xticks(ticks, [f'{tick:,}' for tick in ticks])
    axes[-1].minorticks_off()
    axes[-1].set_xlabel(x)
    axes[0].set_title(title)
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=100)


def pictures(args: Namespace) -> Iterator[tuple[str, Curves, str, str]]:
    """Measure what is asked for: name, curves, x axis and title of each."""
    if args.configs:
        yield (
            'heads',
            head_costs(args),
            'objects of an image',
            'Prediction of an image, relation head alone',
        )
    if args.predicates:
        yield (
            'metric',
            metric_costs(args),
            'detections of an image, all pairs',
            'SceneGraphMetric, an image',
        )
    if args.images:
        yield 'reader', reader_costs(args), 'images', 'VG150Dataset'


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, draw, and write the numbers beside the pictures."""
    args = parse_args(argv)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, Curves] = {}
    with quiet_mmengine():
        for name, curves, x, title in pictures(args):
            path = args.out_dir / f'{name}.png'
            draw(path, curves, x, title)
            numbers[name] = curves
            print(path, flush=True)
    (args.out_dir / 'costs.json').write_text(json.dumps(numbers, indent=1))


if __name__ == '__main__':
    main()
