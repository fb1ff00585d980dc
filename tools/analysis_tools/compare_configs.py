"""Train several configs with several seeds, and tabulate their scores.

A run that is stopped goes on where it stood when it is started again.

Example:
    python tools/analysis_tools/compare_configs.py configs/toy/sgcls.py \
        configs/toy/vctree_sgcls.py --task predcls --metrics R@20 mR@20 \
        --cfg-options load_from=DETECTOR.pth
"""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

from mmsgg.engine import config_file
from mmsgg.models.detectors.scene_graph_detector import TASKS
from repeated_runs import (
    add_repeat_arguments,
    config_with_options,
    print_scores,
    repeat,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        'configs', nargs='+', type=config_file, help='a row of the table each'
    )
    parser.add_argument(
        '--task', choices=TASKS, help="what to test; the config's by default"
    )
    add_repeat_arguments(parser, 'work_dirs/compared')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train and test all configs, and print the table."""
    args = parse_args(argv)
    methods = {}
    stems = {Path(path).stem for path in args.configs}
    for number, path in enumerate(args.configs, 1):
        cfg = config_with_options(path, args)
        test = copy.deepcopy(cfg)
        if args.task:
            test.model.task = args.task
        place = Path(Path(path).parent.name, Path(path).stem)
        # configs of several methods are called alike
        name = place.name if len(stems) == len(args.configs) else str(place)
        methods[f'`{name}`'] = repeat(
            f'[{number}/{len(args.configs)}] {name}',
            cfg,
            {'': test},
            args.seeds,
            args.work_dir / place,
        )
    print_scores(methods, args, head='config')


if __name__ == '__main__':
    main()
