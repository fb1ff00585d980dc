"""Train LinkNet on the annotation of Stanford VRD and print its tables.

No image is opened: boxes and classes are given (predicate detection), or
come from a file of detections (relationship and phrase detection). A run
that is stopped goes on where it stood when it is started again.

Example:
    python tools/analysis_tools/benchmark_vrd.py --data-root data/vrd
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config

from repeated_runs import (
    ATTENTION,
    Scores,
    add_run_arguments,
    data_folder,
    repeat,
    score_table,
    set_data_root,
)

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'vrd'
FILES = (
    'annotations_train.json',
    'annotations_test.json',
    'detections_test.json',
    'objects.json',
    'predicates.json',
)
#: Name of the row: its config, and what of the relation head differs.
METHODS = {
    'frequency prior': ('frequency_boxes', {}),
    **{
        row: ('linknet_boxes', switches) for row, switches in ATTENTION.items()
    },
}
PREDICATE = ('a/A@50', 'a/A@100')
LU = 'Lu et al. 2016 (from their paper, images used)'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    folder = data_folder(
        FILES,
        'of Stanford VRD (see docs/vrd.md); name the folder that has them: '
        'make vrd VRD_ROOT=... or --data-root ...',
    )
    parser.add_argument(
        '--data-root',
        type=folder,
        default='data/vrd',
        help='folder with the files of VRD',
    )
    add_run_arguments(parser, 'work_dirs/vrd')
    return parser.parse_args(argv)


def runs_of(args: argparse.Namespace, method: str) -> list[Scores]:
    """Train a method, and test it on given and on found objects."""
    name, switches = METHODS[method]
    files = dict(a=f'{name}.py', b=f'{name}_detections.py')
    tests = {key: Config.fromfile(CONFIGS / files[key]) for key in files}
    for cfg in tests.values():
        set_data_root(cfg, str(args.data_root))
        cfg.model.relation_head.update(switches)
    folder = args.work_dir / method
    return repeat(method, tests['a'], tests, args.seeds, folder)


def found_columns(prefix: str) -> dict[str, str]:
    """Say which score of a run on detections stands under which head."""
    return {
        f'{head} R@{k}': f'{prefix}pooled-{kind}@{k}'
        for head, kind in (('rel.', 'R'), ('phrase', 'phr-R'))
        for k in (50, 100)
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Train, test and print."""
    args = parse_args(argv)
    start = time.time()
    methods = {method: runs_of(args, method) for method in METHODS}
    print(
        f'\nStanford VRD, test; mean ± standard deviation over '
        f'{len(args.seeds)} seeds, in %\n\n(a) predicate detection\n'
    )
    columns = dict(zip(('R@50', 'R@100'), PREDICATE, strict=True))
    print(score_table(methods, columns, [[LU, '47.87', '47.87']]))
    print('\n(b) relationship and phrase detection, given detections\n')
    literature = [LU, '13.86', '14.70', '16.17', '17.03']
    print(score_table(methods, found_columns('b/'), [literature]))
    print('\nthe same with all 70 predicates of a pair, not only the best\n')
    print(score_table(methods, found_columns('b/k=70/')))
    print(f'\n{time.time() - start:.0f} s')


if __name__ == '__main__':
    # matrices are small here: a second thread only slows, and what threads
    # add up in another order makes one seed come out differently
    torch.set_num_threads(1)
    main()
