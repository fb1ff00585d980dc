"""Measure what the model of a config costs, stage by stage.

Images, annotations and weights are random, so that neither a data set nor a
checkpoint is needed; images go through the pipelines of the config. In sgdet
the score threshold of detections is 0, and training takes for ground truth
what the detector finds.

Examples:
    python tools/analysis_tools/benchmark_model.py configs/linknet/sgdet.py
    python tools/analysis_tools/benchmark_model.py configs/linknet/sgdet.py \
        --device cuda --batch-size 8 --dtype float16
"""

import json
import logging
import os
import platform
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmsgg.engine import add_cfg_options, config_file
from model_costs import ModelBenchmark, compare_unions
from report_tables import text_table

MODES = ('inference', 'training')


def positive(text: str) -> int:
    """Read a number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def device_of(text: str) -> torch.device:
    """Check that a device is there."""
    try:
        device = torch.device(text)
    except RuntimeError as error:
        raise ArgumentTypeError(f"there is no device '{text}'") from error
    if device.type not in ('cpu', 'cuda'):
        raise ArgumentTypeError(f"'{text}' is neither cpu nor cuda")
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise ArgumentTypeError('torch finds no GPU here; use --device cpu')
    return device


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description='Measure what a model costs, stage by stage.'
    )
    add = parser.add_argument
    add('config', type=config_file, help='a config file')
    add(
        '--device',
        type=device_of,
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='cpu or cuda[:N] (default: a GPU where there is one)',
    )
    add(
        '--objects',
        type=positive,
        default=64,
        help='boxes of an image; in sgdet, detections at most (default: 64)',
    )
    add('--batch-size', type=positive, default=1, help='images (default: 1)')
    add(
        '--shape',
        type=positive,
        nargs=2,
        default=(768, 1024),
        metavar=('HEIGHT', 'WIDTH'),
        help='of an image before the pipeline (default: 768 1024)',
    )
    add(
        '--dtype',
        choices=['float32', 'bfloat16', 'float16'],
        default='float32',
        help='of matrix products, by autocast (default: float32); on a CPU '
        'take bfloat16',
    )
    add('--steps', type=positive, default=3, help='to measure (default: 3)')
    add(
        '--modes',
        choices=MODES,
        nargs='+',
        default=MODES,
        help='what to measure (default: both)',
    )
    add(
        '--compare-unions',
        action='store_true',
        help='instead, measure inference also with the union box of every '
        'ordered pair pooled, in chunks and all at once, in turn',
    )
    add('--out', type=Path, help='JSON file to write')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def machine(device: torch.device) -> str:
    """Describe where this runs."""
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    load = f', load {os.getloadavg()[0]:.1f}' if os.name == 'posix' else ''
    return (
        f'{platform.machine()} CPU, {torch.get_num_threads()} of '
        f'{os.cpu_count()} cores{load}'
    )


def measure(args: Namespace) -> dict:
    """Run the benchmark that the command line asks for."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    bench = ModelBenchmark(
        cfg,
        args.device,
        num_objects=args.objects,
        batch_size=args.batch_size,
        shape=tuple(args.shape),
        dtype=getattr(torch, args.dtype),
    )
    result = dict(
        config=args.config,
        task=bench.task,
        machine=machine(args.device),
        torch=torch.__version__,
        dtype=args.dtype,
        batch_size=args.batch_size,
        objects=args.objects,
        shape=list(args.shape),
        steps=args.steps,
        parameters=bench.parameters(),
        workload=bench.workload(),
    )
    if args.compare_unions:
        result['unions'] = compare_unions(bench, args.steps)
        return result
    for mode in MODES:
        if mode in args.modes:
            print(f'{args.config}: measuring {mode}', file=sys.stderr)
            run = bench.predict if mode == 'inference' else bench.train
            result[mode] = run(args.steps)
    return result


def describe(result: dict) -> str:
    """Lay out the result as text."""
    parameters, workload = result['parameters'], result['workload']
    shape = ' x '.join(map(str, workload['input_shape'] or ('no image',)))
    lines = [
        f'{result["config"]} ({result["task"]}), {result["dtype"]}, '
        f'{result["machine"]}, torch {result["torch"]}',
        f'{parameters["all"] / 1e6:.1f} M parameters, '
        f'{parameters["trained"] / 1e6:.1f} M of them trained',
        f'{result["batch_size"]} image(s) of {shape}, '
        f'{workload["num_objects"]} objects, {workload["num_pairs"]} pairs: '
        f'{workload["flops"] / 1e9:.1f} GFLOPs',
    ]
    for mode in MODES:
        if mode in result:
            lines += ['', stage_table(mode, result[mode])]
    for way, cost in result.get('unions', {}).items():
        lines += ['', stage_table(way, cost)]
    return '\n'.join(lines)


def stage_table(mode: str, result: dict) -> str:
    """Lay out the stages of training or inference."""
    rows = [
        (
            stage,
            f'{1000 * cost["seconds"]:10.1f}',
            f'{100 * cost["seconds"] / result["seconds"]:6.1f}',
            '' if cost['peak_mb'] is None else f'{cost["peak_mb"]:8.0f}',
        )
        for stage, cost in [*result['stages'].items(), ('all', result)]
    ]
    heads = (mode, f'{"ms":>10}', f'{"%":>6}', f'{"peak MB":>8}')
    return (
        f'{text_table(heads, rows)}\n'
        f'{result["images_per_second"]:.3f} images/s'
    )


@contextmanager
def quiet_mmengine() -> Iterator[None]:
    """Log errors alone: a model that starts would list every parameter."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write."""
    args = parse_args(argv)
    try:
        with quiet_mmengine():
            result = measure(args)
    except ValueError as error:
        raise SystemExit(f'{args.config}: {error}') from error
    except RuntimeError as error:
        if args.dtype == 'float32':
            raise
        raise SystemExit(
            f'{args.config}: a part of this model does not run in '
            f'{args.dtype} on this device: {error}'
        ) from error
    print(describe(result))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
