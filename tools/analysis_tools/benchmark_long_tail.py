"""Compare the remedies for rare predicates on GQA-200, and print a table.

As benchmark_gqa.py: no image is opened, boxes and classes are given. Each
remedy of training trains a model a seed; all that is done after training is
judged in one pass over the test images, on the same model. A run that is
stopped goes on where it stood.

Example:
    python tools/analysis_tools/benchmark_long_tail.py --data-root data/gqa
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.runner import load_checkpoint
from mmengine.utils import track_iter_progress

from benchmark_gqa import NUM_KEPT, add_run_options, read_config
from mmsgg.registry import DATASETS, METRICS, MODELS
from repeated_runs import (
    Scores,
    score_table,
    trained,
)

TRANSFER = (
    Path(__file__).resolve().parents[1] / 'dataset_converters' / 'ietrans.py'
)
#: Config and what of the head differs.
HEADS = {
    'LinkNet': ('linknet_boxes', dict(attention=False)),
    'Motifs': ('motifs_boxes', {}),
}
#: What of the head differs in training.
LOSSES = {
    'class-balanced': dict(type='ClassBalancedLoss', beta=0.999),
    'adjusted loss': dict(type='LogitAdjustedLoss', tau=0.5),
}
GAIN = dict(rare_gain=0.0035, keep_background=False)
LARGE_GAIN = dict(rare_gain=0.15, keep_background=False)
#: Row of the table: how it was trained, and what comes after.
ROWS = {
    'plain': ('plain', None),
    'class-balanced loss': ('class-balanced', None),
    'bi-level resampling': ('resampling', None),
    'logit adjustment in training, tau .5': ('adjusted loss', None),
    'IETrans': ('IETrans', None),
    'logit adjustment, tau .3': ('plain', dict(tau=0.3)),
    'logit adjustment, tau .8': ('plain', dict(tau=0.8)),
    'rare gain .0035': ('plain', GAIN),
    'rare gain .15': ('plain', LARGE_GAIN),
    'resampling, rare gain .0035': ('resampling', GAIN),
    'resampling, rare gain .15': ('resampling', LARGE_GAIN),
    'IETrans, rare gain .0035': ('IETrans', GAIN),
    'IETrans, rare gain .15': ('IETrans', LARGE_GAIN),
}
METRICS_SHOWN = ('R', 'mR', 'F')
#: Relations of a predicate in training from which it is head, and body.
HEAD, BODY = 500, 50
BATCH = 32


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_run_options(parser, 'work_dirs/long_tail')
    parser.add_argument(
        '--head', choices=HEADS, default='LinkNet', help='relation head'
    )
    parser.add_argument(
        '--plain-runs',
        type=Path,
        help='runs of the plain head that there are, such as '
        '"work_dirs/gqa/test/LinkNet, no attention" of benchmark_gqa.py, '
        'instead of training it again',
    )
    parser.add_argument(
        '--only',
        nargs='+',
        choices=ROWS,
        metavar='ROW',
        default=[*ROWS],
        help='rows to make',
    )
    return parser.parse_args(argv)


def train_with(
    remedy: str, args: argparse.Namespace, seed: int
) -> tuple[Config, str]:
    """Train the head with a remedy.

    Args:
        remedy: Of the first column of ``ROWS``.
        args: The command line.
        seed: Of the random numbers.

    Returns:
        The config and the checkpoint.
    """
    cfg = read_config(args, *HEADS[args.head])
    loader = cfg.train_dataloader
    if remedy in LOSSES:
        cfg.model.relation_head.loss_predicate = LOSSES[remedy]
    elif remedy == 'resampling':
        loader.dataset = ConfigDict(
            type='BiLevelResampledDataset', dataset=loader.dataset
        )
    elif remedy == 'IETrans':
        path = transferred(args, seed)
        loader.dataset = ConfigDict(
            type='SceneGraphJsonDataset',
            ann_file=str(path),
            image_folders=(),
            pipeline=loader.dataset.pipeline,
        )
    print(f'{args.head}, {remedy}, seed {seed}', flush=True)
    if remedy == 'plain' and args.plain_runs:
        name = f'epoch_{cfg.train_cfg.max_epochs}.pth'
        return cfg, str(args.plain_runs / f'seed_{seed}' / name)
    return cfg, trained(cfg, seed, folder_of(args, remedy, seed))


def folder_of(args: argparse.Namespace, remedy: str, seed: int) -> Path:
    """Return the folder of a training."""
    part = 'kept' if args.kept else 'test'
    return args.work_dir / part / args.head / remedy / f'seed_{seed}'


def transferred(args: argparse.Namespace, seed: int) -> Path:
    """Let the plain model of the same seed transfer the training set."""
    cfg, checkpoint = train_with('plain', args, seed)
    folder = folder_of(args, 'IETrans', seed)
    path = folder / 'train.json'
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        cfg.dump(folder / 'plain.py')
        command = [sys.executable, TRANSFER, folder / 'plain.py', checkpoint]
        subprocess.run([*command, path], check=True)
    return path


def predicate_groups(counts: np.ndarray) -> dict[str, list[int]]:
    """Sort predicates (P,) into head, body and tail, if any, by counts."""
    groups = np.where(counts >= HEAD, 0, np.where(counts >= BODY, 1, 2))
    return {
        name: np.flatnonzero(groups == i).tolist()
        for i, name in enumerate(('head', 'body', 'tail'))
        if (groups == i).any()
    }


@torch.no_grad()
def score(
    cfg: Config,
    checkpoint: str,
    settings: Mapping[str, dict | None],
    counts: np.ndarray,
) -> dict[str, Scores]:
    """Test a model once, with several adjustments of what it says.

    Args:
        cfg: Of the model and the test images.
        checkpoint: Its weights.
        settings: Arguments of :class:`LogitAdjustment`, or None, by name.
        counts: (P,) relations of the training set.

    Returns:
        The scores by the same names.
    """
    model: Any = MODELS.build(cfg.model)
    load_checkpoint(model, checkpoint, map_location='cpu')
    model.eval()
    head = model.relation_head
    if not head.has_counts:
        head.set_counts(counts)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    metrics = {name: METRICS.build(metric_config(counts)) for name in settings}
    for metric in metrics.values():
        metric.dataset_meta = dataset.metainfo
    forward = head.forward
    for first in track_iter_progress([*range(0, len(dataset), BATCH)]):
        rows = range(first, min(first + BATCH, len(dataset)))
        batch = pseudo_collate([dataset[i] for i in rows])
        head.forward = only_once(forward)
        for name, arguments in settings.items():
            head.debiasing = arguments and MODELS.build(
                dict(type='LogitAdjustment', **arguments)
            )
            samples = model.test_step(batch)
            metrics[name].process(batch, [s.to_dict() for s in samples])
    return {
        name: metric.evaluate(len(dataset)) for name, metric in metrics.items()
    }


def metric_config(counts: np.ndarray) -> dict:
    """Make the config of the metric."""
    return dict(
        type='SceneGraphMetric',
        metrics=(*METRICS_SHOWN, 'ng-R'),
        predicate_groups=predicate_groups(counts),
    )


def only_once(function: Callable) -> Callable:
    """Make a function that is called once, and then repeats its result."""
    results: list[Any] = []

    def call(*args: Any) -> Any:
        if not results:
            results.append(function(*args))
        return results[0]

    return call


def scores_of(
    args: argparse.Namespace, remedy: str, rows: Sequence[str], seed: int
) -> dict[str, Scores]:
    """Train with a remedy and score its rows, unless that was done."""
    path = folder_of(args, remedy, seed) / 'rows.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    cfg, checkpoint = train_with(remedy, args, seed)
    settings = {row: ROWS[row][1] for row in rows}
    keys = {row: repr((checkpoint, settings[row])) for row in rows}
    known = json.loads(path.read_text()) if path.is_file() else {}
    missing = {r: settings[r] for r in rows if keys[r] not in known}
    if missing:
        plain = read_config(args, *HEADS[args.head])
        graphs = DATASETS.build(plain.train_dataloader.dataset).scene_graphs
        counts = np.bincount(graphs.predicates, minlength=100)
        for row, scores in score(cfg, checkpoint, missing, counts).items():
            known[keys[row]] = scores
        path.write_text(json.dumps(known))
    return {row: known[keys[row]] for row in rows}


def main(argv: Sequence[str] | None = None) -> None:
    """Train, test and print."""
    args = parse_args(argv)
    start = time.time()
    runs: dict[str, list[Scores]] = {row: [] for row in args.only}
    for remedy in dict.fromkeys(ROWS[row][0] for row in args.only):
        rows = [row for row in args.only if ROWS[row][0] == remedy]
        for seed in args.seeds:
            for row, scores in scores_of(args, remedy, rows, seed).items():
                runs[row].append(scores)
    part = f'last {NUM_KEPT} training' if args.kept else 'last 2047'
    print(
        f'\n{args.head} on GQA-200, {part} images, boxes and classes given; '
        f'mean ± standard deviation over {len(args.seeds)} seeds, in %\n'
    )
    names = [*METRICS_SHOWN, 'mR-head', 'mR-body', 'mR-tail', 'ng-R']
    keys = [f'{name}@{k}' for k in (50, 100) for name in names]
    keys = [key for key in keys if key in runs[args.only[0]][0]]
    print(score_table(runs, {key: key for key in keys}, head='remedy'))
    print(f'\n{time.time() - start:.0f} s')


if __name__ == '__main__':
    torch.set_num_threads(1)  # as benchmark_gqa.py
    main()
