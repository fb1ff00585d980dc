"""Train relation heads on the annotation of GQA-200 and print a table.

No image is opened: boxes and classes are given, and all pairs are judged.
Only the file of the test set is needed, which is cut in two
(configs/gqa/linknet_boxes.py). A run that is stopped goes on where it stood
when it is started again.

Example:
    python tools/analysis_tools/benchmark_gqa.py --data-root data/gqa
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

import zero_shot_triplets
from mmsgg.registry import DATASETS
from repeated_runs import (
    ATTENTION,
    Scores,
    add_run_arguments,
    data_folder,
    repeat,
    score_table,
    set_data_root,
)

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'gqa'
FILES = ('GQA_200_Test.json', 'GQA_200_ID_Info.json')
#: Name of the row: its config, and what of the relation head differs.
METHODS = {
    'frequency table': ('frequency_boxes', {}),
    'frequency table, overlapping pairs': ('frequency_boxes_overlap', {}),
    'pair MLP': ('mlp_boxes', {}),
    'Motifs': ('motifs_boxes', {}),
    'VCTree': ('vctree_boxes', {}),
    'Transformer': ('transformer_boxes', {}),
    **{
        row: ('linknet_boxes', switches) for row, switches in ATTENTION.items()
    },
}
#: A run takes 10 minutes and more on one core.
SLOW = ('Motifs', 'VCTree')
METRICS = ('R', 'mR', 'ng-R', 'zR')
#: The last training images, on which every choice was made.
NUM_KEPT = 600


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_run_options(parser, 'work_dirs/gqa')
    parser.add_argument(
        '--only',
        nargs='+',
        choices=METHODS,
        metavar='ROW',
        default=[name for name in METHODS if name not in SLOW],
        help='the rows to make; those of hours, '
        f'{", ".join(SLOW)}, only where named',
    )
    return parser.parse_args(argv)


def add_run_options(parser: argparse.ArgumentParser, work_dir: str) -> None:
    """Add the options of trainings on GQA-200, the runs in ``work_dir``."""
    folder = data_folder(
        FILES,
        'of GQA-200 (see docs/gqa.md); name the folder that has them: '
        'make gqa GQA_ROOT=... or --data-root ...',
    )
    add = parser.add_argument
    add(
        '--data-root',
        type=folder,
        default='data/gqa',
        help='folder with the files of GQA-200',
    )
    add_run_arguments(parser, work_dir)
    add(
        '--kept',
        action='store_true',
        help=f'leave the last {NUM_KEPT} training images out and test on '
        'them, to choose settings without looking at the test set',
    )


def unseen_triplets(train: dict, test: dict) -> np.ndarray:
    """List what is to be recalled in testing and never occurs in training.

    Args:
        train: Config of the training set.
        test: Config of the test set.

    Returns:
        (Z, 3) 0-based [subject class, object class, predicate], each once.
    """
    return zero_shot_triplets.unseen_triplets(
        *(DATASETS.build(split).relation_triplets() for split in (train, test))
    )


def read_config(args: argparse.Namespace, name: str, switches: dict) -> Config:
    """Read a config, for the images that the options say.

    Args:
        args: The command line.
        name: Of the config.
        switches: What of the relation head differs.
    """
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    init_default_scope(cfg.default_scope)
    set_data_root(cfg, str(args.data_root))
    cfg.model.relation_head.update(switches)
    train = cfg.train_dataloader.dataset
    if args.kept:
        first = train.indices - NUM_KEPT
        cfg.test_dataloader.dataset.indices = [*range(first, train.indices)]
        train.indices = first
    return cfg


def config_of(args: argparse.Namespace, method: str) -> Config:
    """Read the config of a row, and name the triplets training lacks."""
    cfg = read_config(args, *METHODS[method])
    train = cfg.train_dataloader.dataset
    test = cfg.test_dataloader.dataset
    path = args.work_dir / 'zero_shot_triplets.npy'
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, unseen_triplets(train, test))
    cfg.test_evaluator[0].update(metrics=METRICS, zero_shot_triplets=str(path))
    return cfg


def runs_of(args: argparse.Namespace, method: str) -> list[Scores]:
    """Train and test a method with all seeds."""
    cfg = config_of(args, method)
    return repeat(method, cfg, {'': cfg}, args.seeds, args.work_dir / method)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, test and print."""
    args = parse_args(argv)
    args.work_dir /= 'kept' if args.kept else 'test'
    start = time.time()
    methods = {method: runs_of(args, method) for method in args.only}
    part = f'last {NUM_KEPT} training' if args.kept else 'last 2047'
    print(
        f'\nGQA-200, {part} images, boxes and classes given; mean ± standard '
        f'deviation over {len(args.seeds)} seeds, in %\n'
    )
    keys = [f'{metric}@{k}' for metric in METRICS for k in (20, 50, 100)]
    print(score_table(methods, {key: key for key in keys}))
    print(f'\n{time.time() - start:.0f} s')


if __name__ == '__main__':
    # matrices are small here: a second thread only slows, and what threads
    # add up in another order makes one seed come out differently
    torch.set_num_threads(1)
    main()
