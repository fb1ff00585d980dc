"""Draw the curves of one training or of several.

Examples:
    python tools/analysis_tools/analyze_logs.py work_dirs/linknet/sgcls \
        work_dirs/linknet/sgdet --keys loss R@50 mR@50 --out curves.png
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from mmsgg.analysis import TrainingLog, plot_curves, read_training_log

USUAL_KEYS = ('loss', 'R@50', 'mR@50', 'pascal_voc/mAP')


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description='Draw the curves of one training or of several.'
    )
    add = parser.add_argument
    add(
        'runs',
        nargs='+',
        metavar='RUN',
        help='a work directory, or a scalars.json in its vis_data',
    )
    add(
        '--keys',
        nargs='+',
        metavar='KEY',
        help='what to draw, a panel each (default: loss, R@50, mR@50 and mAP, '
        'as far as all runs have them); --keys list names all',
    )
    add(
        '--names',
        nargs='+',
        metavar='NAME',
        help='of the runs in the legend (default: their paths)',
    )
    add(
        '--smooth',
        type=int,
        default=5,
        metavar='N',
        help='average training values over N that are logged (default: 5; '
        '1 for none)',
    )
    add('--out', default='curves.png', help='default: curves.png')
    args = parser.parse_args(argv)
    if args.names is not None and len(args.names) != len(args.runs):
        parser.error(f'{len(args.names)} --names for {len(args.runs)} runs')
    if args.smooth < 1:
        parser.error(f'--smooth must be positive: {args.smooth}')
    return args


def usual_keys(logs: Sequence[TrainingLog]) -> list[str]:
    """Choose what is drawn where nothing is asked for."""
    shared = set.intersection(*(set(log.curves) for log in logs))
    return [key for key in USUAL_KEYS if key in shared] or sorted(shared)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the runs, draw, and say the last values."""
    args = parse_args(argv)
    try:
        logs = [read_training_log(run) for run in args.runs]
        runs = dict(zip(args.names or args.runs, logs, strict=True))
        if args.keys == ['list']:
            for name, log in runs.items():
                print(f'{name}: {" ".join(sorted(log.curves))}')
            return
        keys = args.keys or usual_keys(logs)
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        plot_curves(args.out, runs, keys, args.smooth)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    for name, log in runs.items():
        last = (f'{key} {log.curve(key).values[-1]:.4g}' for key in keys)
        print(f'{name}: {", ".join(last)}')
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
