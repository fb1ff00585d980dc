"""Measure what each switch of a config gains, beside the model without it.

The same model with random weights, once with and once without, runs in turn in
one process. Time is the least on a core, or by the clock of a GPU. Data are
random; see ``benchmark_model.py``. The mode *maps* is the detector's backbone
and neck alone, on images that are as large as ``--shape`` says.

Examples:
    python tools/analysis_tools/benchmark_switches.py configs/linknet/sgdet.py
    python tools/analysis_tools/benchmark_switches.py configs/toy/sgcls.py \
        --device cpu --switches channels_last --modes maps --shape 128 128
"""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.config import Config

from benchmark_model import device_of, machine, positive, quiet_mmengine
from cost_curves import timed
from mmsgg.arguments import add_cfg_options, config_file
from model_costs import ModelBenchmark
from report_tables import text_table

MODES = ('maps', 'inference', 'training')
#: What each one sets in a config. bfloat16 is autocast, see --amp.
SWITCHES: dict[str, dict[str, Any]] = {
    'tf32': {'default_hooks.speed.matmul_precision': 'high'},
    'cudnn_benchmark': {'env_cfg.cudnn_benchmark': True},
    'channels_last': {'default_hooks.speed.channels_last': True},
    'compile': {'default_hooks.speed.compile': ['detector.backbone']},
    'fused': {'optim_wrapper.optimizer.fused': True},
    'bfloat16': {},
}


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('config', type=config_file, help='a config file')
    gpu = torch.cuda.is_available()
    names = dict(nargs='+', choices=SWITCHES, default=[*SWITCHES])
    add('--switches', **names, help='to measure')
    modes = dict(nargs='+', choices=MODES, default=MODES)
    add('--modes', **modes, help='what to measure of each')
    add(
        '--device',
        type=device_of,
        default='cuda' if gpu else 'cpu',
        help='cpu or cuda[:N]',
    )
    add('--objects', type=positive, default=64, help='boxes of an image')
    add('--batch-size', type=positive, default=1, help='images')
    shape = dict(type=positive, nargs=2, default=(768, 1024))
    add('--shape', **shape, help='of an image before the pipeline')
    add('--steps', type=positive, default=3, help='to take the best of')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def bench_of(args: Namespace, switch: str | None = None) -> ModelBenchmark:
    """The model with one of the switches on, or with none."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    cfg.merge_from_dict(SWITCHES.get(switch or '', {}))
    return ModelBenchmark(
        cfg,
        args.device,
        num_objects=args.objects,
        batch_size=args.batch_size,
        shape=tuple(args.shape),
        dtype=torch.bfloat16 if switch == 'bfloat16' else torch.float32,
    )


def maps_of(bench: ModelBenchmark) -> Callable[[], object]:
    """What makes the feature maps of random images."""
    shape = bench.batch_args['batch_size'], 3, *bench.batch_args['shape']
    images = torch.randn(shape, device=bench.device)
    bench.model.eval()

    @torch.no_grad()
    def step() -> object:
        with bench.autocast():
            return bench.model.extract_feat(images)

    return step


def step_of(bench: ModelBenchmark, mode: str) -> Callable[[], object]:
    """A step, with what its config sets in torch for the whole process."""
    if mode == 'maps':
        step = maps_of(bench)
    else:
        step = (
            bench.inference() if mode == 'inference' else bench.training()[0]
        )
    speed = bench.cfg.default_hooks.get('speed', {})

    def run() -> None:
        torch.backends.cudnn.benchmark = bench.cfg.env_cfg.cudnn_benchmark
        torch.set_float32_matmul_precision(
            speed.get('matmul_precision') or 'highest'
        )
        step()

    return run


def row(args: Namespace, plain: ModelBenchmark, switch: str) -> list[str]:
    """Measure a switch: ms without it, ms with it and their ratio."""
    benches = plain, bench_of(args, switch)
    cells = [switch]
    for mode in args.modes:
        steps = [step_of(bench, mode) for bench in benches]
        turns = [
            [timed(step, args.device) for step in steps]
            for _ in range(args.steps + 1)  # the first one warms up
        ]
        without, with_it = map(min, zip(*turns[1:], strict=True))
        cells += [f'{1e3 * seconds:.1f}' for seconds in (without, with_it)]
        cells.append(f'{without / with_it:.2f}')
    return cells


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    args = parse_args(argv)
    print(f'{args.config}: {machine(args.device)}, torch {torch.__version__}')
    titles = ['switch']
    for mode in args.modes:
        titles += [f'{mode}, ms', 'with it', 'ratio']
    rows = []
    with quiet_mmengine():
        plain = bench_of(args)
        for switch in args.switches:
            try:
                cells = row(args, plain, switch)
            except (RuntimeError, ValueError) as error:
                reason = f'fails: {str(error).splitlines()[0]}'
                cells = [switch, reason, *[''] * (len(titles) - 2)]
            print(*filter(None, cells), flush=True)
            rows.append(cells)
    print(text_table(titles, rows))


if __name__ == '__main__':
    main()
