"""Measure every head and some models on a device, in one go.

Beside them stands what the device makes of a large matrix product in the same
run, and which share of it the models reach. Data and weights are random; see
``benchmark_model.py``, which takes one model apart. Queries are all objects of
EGTR and RelTR, whose number a config fixes.

Examples:
    python tools/analysis_tools/benchmark_device.py --dtype bfloat16
    python tools/analysis_tools/benchmark_device.py --device cpu \
        --heads configs/toy/predcls.py --models --objects 5
"""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.config import Config

from benchmark_model import device_of, machine, positive, quiet_mmengine
from cost_curves import least
from mmsgg.engine import config_file
from model_costs import ModelBenchmark
from report_tables import text_table

HEADS = [
    f'configs/{name}.py'
    for name in (
        'frequency/predcls',
        'imp/predcls',
        'motifs/predcls',
        'transformer/predcls',
        'vctree/predcls',
        'penet/predcls',
        'linknet/predcls',
        'egtr/sgdet',
        'reltr/sgdet',
    )
]
MODELS = [
    f'configs/{name}.py'
    for name in (
        'linknet/sgdet',
        'linknet/sgdet_r101_fpn',
        'linknet/sgdet_rtmdet_s',
        'egtr/sgdet',
    )
]

OBJECTS = 64  # of an image of a model


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    gpu = torch.cuda.is_available()
    add(
        '--device',
        type=device_of,
        default='cuda' if gpu else 'cpu',
        help='cpu or cuda[:N]',
    )
    add('--heads', type=config_file, nargs='*', default=HEADS, help='configs')
    add('--models', type=config_file, nargs='*', default=MODELS, help='too')
    sizes = dict(type=positive, nargs='+', default=(20, 40, 80))
    add('--objects', **sizes, help='boxes of an image that heads are given')
    add('--batch-size', type=positive, default=1, help='images, of models')
    add('--steps', type=positive, default=3, help='to measure')
    add(
        '--dtype',
        choices=['float32', 'bfloat16', 'float16'],
        default='float32',
        help='of matrix products, by autocast',
    )
    size = 8192 if gpu else 1024
    add('--matrix', type=positive, default=size, help='side of the matrices')
    return parser.parse_args(argv)


def matrix_flops(args: Namespace) -> float:
    """Operations a second of a matrix product, by the clock as of models."""
    dtype = getattr(torch, args.dtype)
    shape = args.matrix, args.matrix
    a, b = (torch.randn(shape, device=args.device).to(dtype) for _ in 'ab')
    seconds = least(lambda: a @ b, args.steps, args.device, by_the_clock=True)
    return 2 * args.matrix**3 / seconds


def bench_of(config: str, args: Namespace, objects: int, batch: int) -> Any:
    """The model of a config with random weights."""
    return ModelBenchmark(
        Config.fromfile(config),
        args.device,
        num_objects=objects,
        batch_size=batch,
        dtype=getattr(torch, args.dtype),
    )


def head_seconds(config: str, args: Namespace, objects: int) -> float:
    """How long a head takes for the graph of one image."""
    run = bench_of(config, args, objects, 1).head_prediction()
    return least(run, args.steps, args.device, by_the_clock=True)


def model_row(config: str, args: Namespace, ceiling: float) -> list[str]:
    """Images a second and memory, in inference and in training."""
    bench = bench_of(config, args, OBJECTS, args.batch_size)
    flops = bench.workload()['flops'] / args.batch_size
    found, learned = bench.predict(args.steps), bench.train(args.steps)
    speed = found['images_per_second']
    memory = [
        '' if cost['peak_mb'] is None else f'{cost["peak_mb"]:.0f}'
        for cost in (found, learned)
    ]
    return [
        f'{speed:.2f}',
        memory[0],
        f'{100 * flops * speed / ceiling:.1f}',
        f'{learned["images_per_second"]:.2f}',
        memory[1],
    ]


def measured(run: Callable[[], list[str]]) -> list[str]:
    """What was measured, or what the device had against it."""
    try:
        return run()
    except RuntimeError as error:
        return [f'fails: {str(error).splitlines()[0]}']


def print_row(config: str, cells: list[str]) -> None:
    """Print what is known as soon as it is known."""
    print(f'{config}: {", ".join(cells)}', flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print two tables."""
    args = parse_args(argv)
    with quiet_mmengine():
        ceiling = matrix_flops(args)
        print(
            f'{machine(args.device)}, torch {torch.__version__}, {args.dtype}:'
            f' {ceiling / 1e12:.3f} TFLOP/s in a product of {args.matrix} x '
            f'{args.matrix} matrices'
        )
        heads, models = [], []
        for config in args.heads:
            cells = measured(
                lambda config=config: [
                    f'{1e3 * head_seconds(config, args, n):.2f}'
                    for n in args.objects
                ]
            )
            print_row(config, cells)
            heads.append([config, *cells])
        for config in args.models:
            cells = measured(
                lambda config=config: model_row(config, args, ceiling)
            )
            print_row(config, cells)
            models.append([config, *cells])
    names = [f'ms at {n} objects' for n in args.objects]
    print(text_table(['head', *names], _even(heads, 1 + len(names))))
    names = ['images/s', 'MB', '% of matrices', 'training images/s', 'MB']
    print(text_table(['model', *names], _even(models, 1 + len(names))))


def _even(rows: list[list[str]], width: int) -> list[list[str]]:
    return [row + [''] * (width - len(row)) for row in rows]


if __name__ == '__main__':
    main()
