"""List the triplets that a training set lacks, and compare with a list.

A triplet is a subject class, an object class and a predicate. Those of the
test set that no training image has are what zR is measured on.

Examples:
    python tools/analysis_tools/zero_shot_triplets.py \
        configs/linknet/sgdet.py --out data/vg/zero_shot_triplets.npy \
        --compare zeroshot_triplet.pytorch --one-based
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from config_parts import build_dataset
from mmsgg.datasets import scene_graphs_of
from mmsgg.engine import add_cfg_options, config_file
from mmsgg.evaluation.functional import in_triplets, read_zero_shot_triplets

SPLITS = ('train', 'val', 'test')


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument('--out', type=Path, help='a .npy file to write')
    parser.add_argument(
        '--seen',
        nargs='+',
        choices=SPLITS,
        default=['train'],
        help='splits whose triplets are known (default: train)',
    )
    parser.add_argument(
        '--asked',
        choices=SPLITS,
        default='test',
        help='the split that is measured (default: test)',
    )
    parser.add_argument('--compare', help='a list: .npy, .txt or torch.save')
    parser.add_argument(
        '--one-based',
        action='store_true',
        help='that list counts from 1, as that of Scene-Graph-Benchmark',
    )
    parser.add_argument(
        '--max-reports',
        type=int,
        default=5,
        metavar='N',
        help='examples to print of each difference (default: 5)',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def unseen_triplets(seen: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """List the triplets (Z, 3) of one array that another lacks, each once.

    Args:
        seen: (M, 3) [subject class, object class, predicate].
        asked: (K, 3) the same.

    Examples:
        >>> unseen_triplets(np.array([[0, 1, 0]]),
        ...                 np.array([[0, 1, 0], [2, 0, 1], [2, 0, 1]]))
        array([[2, 0, 1]])
    """
    return np.unique(asked[~in_triplets(asked, seen)], axis=0)


def differences(
    derived: np.ndarray, given: np.ndarray, seen: np.ndarray, asked: np.ndarray
) -> dict[str, np.ndarray]:
    """Sort the triplets of two lists by where they are.

    Args:
        derived: (Z, 3) of :func:`unseen_triplets`.
        given: (G, 3) of another list.
        seen: As in :func:`unseen_triplets`.
        asked: Likewise.

    Returns:
        Different triplets under what is to be said of them.
    """
    given = np.unique(given, axis=0).reshape(-1, 3)
    known, measured = in_triplets(given, seen), in_triplets(given, asked)
    return {
        'in both lists': given[in_triplets(given, derived)],
        'missing in the given list': derived[~in_triplets(derived, given)],
        'given, but known from training': given[known],
        'given, but in no image that is measured': given[~known & ~measured],
    }


def describe(
    found: dict[str, np.ndarray],
    classes: Sequence[str],
    predicates: Sequence[str],
    max_examples: int,
) -> str:
    """Lay out the differences, with examples by name."""
    lines = []
    for what, triplets in found.items():
        lines.append(f'{len(triplets)} {what}')
        if what != 'in both lists':
            lines += [
                f'  {classes[s]} - {predicates[p]} - {classes[o]}'
                for s, o, p in triplets[:max_examples]
            ]
    return '\n'.join(lines)


def _check_range(given: np.ndarray, sizes: Sequence[int], path: str) -> None:
    if len(given) and (given >= sizes).any():
        raise ValueError(
            f'{path} has {given.max(axis=0).tolist()} as largest numbers of '
            f'subject, object and predicate, where the data set has {sizes}; '
            'pass --one-based if it counts from 1, or the list that belongs '
            'to the data set'
        )


def _given(args: Namespace) -> np.ndarray:
    path = Path(args.compare)
    if not args.one_based:
        return read_zero_shot_triplets(path)
    given = read_zero_shot_triplets(path) - 1
    if len(given) and given.min() < 0:
        raise ValueError(f'{path} has a 0: leave out --one-based')
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Derive the list, write it, compare it; returns the exit status.

    1 if a list was given and differs.
    """
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    datasets = {
        split: build_dataset(cfg, split) for split in {*args.seen, args.asked}
    }
    triplets = {
        split: scene_graphs_of(dataset).triplets()
        for split, dataset in datasets.items()
    }
    seen = np.concatenate([triplets[split] for split in args.seen])
    asked = triplets[args.asked]
    derived = unseen_triplets(seen, asked)
    rows = in_triplets(asked, derived).sum()
    print(
        f'{len(derived)} triplets of {args.asked} are not in '
        f'{" or ".join(args.seen)}; {rows} of its {len(asked)} relations have '
        'one'
    )
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        np.save(args.out, derived)
    if not args.compare:
        return 0
    meta = datasets[args.asked].metainfo
    classes, predicates = meta['classes'], meta['predicates']
    given = _given(args)
    sizes = [len(classes), len(classes), len(predicates)]
    _check_range(given, sizes, args.compare)
    found = differences(derived, given, seen, asked)
    print(describe(found, classes, predicates, args.max_reports))
    both = len(found['in both lists'])
    return int(both < max(len(derived), len(np.unique(given, axis=0))))


if __name__ == '__main__':
    sys.exit(main())
