"""Read everything the data sets of a config name, and say what is wrong.

The exit status is 1 where training would be affected, else 0.

Examples:
    python tools/analysis_tools/check_dataset.py configs/linknet/sgdet.py
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from mmengine.config import Config

from mmsgg.analysis import check_config
from mmsgg.engine import add_cfg_options, config_file


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Check the data sets of a config.')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        '--no-images',
        action='store_true',
        help='check the annotation only, in seconds',
    )
    parser.add_argument(
        '--max-reports',
        type=int,
        default=5,
        metavar='N',
        help='examples to print of each kind of problem (default: 5)',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Check, print the report and return the exit status."""
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    report = check_config(cfg, not args.no_images, args.max_reports)
    print(report)
    return 1 if report.num_errors else 0


if __name__ == '__main__':
    sys.exit(main())
