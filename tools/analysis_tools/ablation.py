"""Train LinkNet with one part changed after the other, and tabulate.

Each row of the table is the config with one switch set otherwise (those of the
paper's ablation, and other forms of its attention), trained and tested with
every seed. A run that is stopped goes on where it stood when it is started
again.

Examples:
    python tools/analysis_tools/ablation.py configs/vrd/linknet_boxes.py
    python tools/analysis_tools/ablation.py configs/toy/sgcls.py \
        --metrics R@20 mR@20 --cfg-options load_from=DETECTOR.pth
"""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config

from mmsgg.engine import config_file
from mmsgg.registry import MODELS
from repeated_runs import (
    ATTENTION,
    add_repeat_arguments,
    config_with_options,
    print_scores,
    repeat,
)

#: Name of the row: what of the relation head differs.
SWITCHES = {
    'as configured': {},
    'no object block': dict(num_object_blocks=0),
    'one object block': dict(num_object_blocks=1),
    'two object blocks': dict(num_object_blocks=2),
    'one edge block': dict(num_edge_blocks=1),
    'two edge blocks': dict(num_edge_blocks=2),
    'no attention': ATTENTION['LinkNet, no attention'],
    'scaled attention': ATTENTION['LinkNet, scaled'],
    'scaled attention, layer norm': ATTENTION['LinkNet, scaled, layer norm'],
    'r = 1': dict(reduction=1),
    'r = 2': dict(reduction=2),
    'r = 4': dict(reduction=4),
    'r = 8': dict(reduction=8),
    'no global context': dict(global_context=None),
    'no geometric layout': dict(geometric_layout=None),
    "the paper's layout": dict(geometric_layout=dict(detailed=False)),
    'with frequency bias': dict(frequency_bias=True),
    'no frequency bias': dict(frequency_bias=False),
    'no union feature': dict(
        features=dict(union_roi_extractor=None, union_head=None)
    ),
    'no object feature': dict(
        features=dict(object_roi_extractor=None, object_head=None)
    ),
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('config', type=config_file, help='a LinkNet config')
    parser.add_argument(
        '--only',
        nargs='+',
        choices=SWITCHES,
        metavar='ROW',
        default=[*SWITCHES],
        help='the rows to make',
    )
    add_repeat_arguments(parser, 'work_dirs/ablation')
    return parser.parse_args(argv)


def variants_of(cfg: Config, names: Sequence[str]) -> dict[str, Config]:
    """Make a config for each switch that changes something.

    Args:
        cfg: Of a model with a LinkNet head.
        names: Keys of ``SWITCHES``.
    """
    variants = {}
    configured = _layers(cfg.model.relation_head)
    for name in names:
        variant = copy.deepcopy(cfg)
        head = variant.model.relation_head
        head.update(SWITCHES[name])
        if not SWITCHES[name] or _layers(head) != configured:
            variants[name] = variant
    return variants


def _layers(head: dict) -> str:
    """Write down the layers of a head; every switch shows in them."""
    with torch.device('meta'):  # nothing is allocated
        return repr(MODELS.build(copy.deepcopy(head)))


def main(argv: Sequence[str] | None = None) -> None:
    """Train and test all variants, and print the table."""
    args = parse_args(argv)
    cfg = config_with_options(args.config, args)
    if cfg.get('model', {}).get('relation_head', {}).get('type') != (
        'LinkNetRelHead'
    ):
        raise SystemExit(f'{args.config} has no LinkNetRelHead to ablate')
    variants = variants_of(cfg, args.only)
    methods = {}
    for number, (name, variant) in enumerate(variants.items(), 1):
        folder = args.work_dir / Path(args.config).stem / name
        title = f'[{number}/{len(variants)}] {name}'
        methods[name] = repeat(
            title, variant, {'': variant}, args.seeds, folder
        )
    print_scores(methods, args, head='LinkNet')


if __name__ == '__main__':
    main()
