"""Train and test a config with several seeds, and remember the scores."""

import argparse
import copy
import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

from mmsgg.engine import add_cfg_options, newest_checkpoint
from report_tables import markdown_table

Scores = dict[str, float]

#: What of LinkNet's head differs for each form of its attention.
ATTENTION = {
    "LinkNet, the paper's attention": {},
    'LinkNet, scaled': dict(scale_attention=True),
    'LinkNet, scaled, layer norm': dict(scale_attention=True, norm=True),
    'LinkNet, no attention': dict(attention=False),
}


def data_folder(files: Sequence[str], remedy: str) -> Callable[[str], Path]:
    """Make an argparse type: a folder that holds some files.

    Args:
        files: Their names.
        remedy: What to do where one is missing; ends the message.
    """

    def check(text: str) -> Path:
        missing = [name for name in files if not Path(text, name).is_file()]
        if missing:
            raise argparse.ArgumentTypeError(
                f"'{text}' lacks {', '.join(missing)} {remedy}"
            )
        return Path(text)

    return check


def add_run_arguments(parser: argparse.ArgumentParser, work_dir: str) -> None:
    """Add the seeds, and the folder of the runs, ``work_dir`` by default."""
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0, 1, 2], help='a run each'
    )
    parser.add_argument(
        '--work-dir', type=Path, default=work_dir, help='folder for the runs'
    )


def add_repeat_arguments(
    parser: argparse.ArgumentParser, work_dir: str
) -> None:
    """Add what each table of trained configs asks for.

    Args:
        parser: The parser of a tool.
        work_dir: Folder of the runs unless told otherwise.
    """
    add_run_arguments(parser, work_dir)
    parser.add_argument(
        '--metrics',
        nargs='+',
        help="which scores to tabulate; the config's own by default",
    )
    parser.add_argument('--data-root', help='folder of the data')
    add_cfg_options(parser)


def config_with_options(path: str, args: argparse.Namespace) -> Config:
    """Read a config, and what :func:`add_repeat_arguments` changes in it."""
    cfg = Config.fromfile(path)
    if args.data_root is not None:
        set_data_root(cfg, args.data_root)
    cfg.merge_from_dict(args.cfg_options)
    return cfg


def print_scores(
    methods: Mapping[str, Sequence[Scores]],
    args: argparse.Namespace,
    head: str,
) -> None:
    """Print the table that :func:`add_repeat_arguments` asks for.

    Args:
        methods: As of :func:`score_table`.
        args: The command line.
        head: As of :func:`score_table`.

    Raises:
        SystemExit: If a score has no such name. The scores of the runs stay.
    """
    known = [*next(iter(methods.values()))[0]]
    metrics = args.metrics or known
    if unknown := [name for name in metrics if name not in known]:
        raise SystemExit(
            f'there is no score {", ".join(unknown)}, only '
            f'{", ".join(known)}; nothing is trained again with another name'
        )
    seeds = ', '.join(map(str, args.seeds))
    print(f'\nmean ± standard deviation over the seeds {seeds}, in %\n')
    print(score_table(methods, {m: m for m in metrics}, head=head))


def set_data_root(cfg: Config, root: str) -> None:
    """Read the data of all splits, and detections, from another folder.

    Args:
        cfg: The config to change. Files of its pipelines that lie in the old
            folder are looked for in the new one.
        root: The folder.
    """
    for split in ('train', 'val', 'test'):
        dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
        if dataset is None:
            continue
        for step in dataset.get('pipeline', ()):
            path = Path(step.get('ann_file', ''))
            if path.is_relative_to(dataset.data_root):
                name = path.relative_to(dataset.data_root)
                step['ann_file'] = str(root / name)
        dataset.data_root = str(root)


def train_and_test(
    cfg: Config,
    tests: Mapping[str, Config],
    seed: int,
    work_dir: Path,
    train: bool = True,
) -> Scores:
    """Train a model and score its last checkpoint.

    The scores stay in ``work_dir/scores.json``. A second call with equal
    configs and seed reads them, so that a run that was stopped goes on where
    it stood.

    Args:
        cfg: What to train. Nothing is validated on the way.
        tests: What to test the checkpoint with, by name.
        seed: Of the random numbers.
        work_dir: Folder of logs, checkpoints and scores.
        train: Whether there is anything to train.

    Returns:
        All scores; those of test 't' are called 't/<metric>', those of a test
        without a name '<metric>'.
    """
    path = work_dir / 'scores.json'
    key = _fingerprint([cfg, *tests.values()], seed)
    if path.is_file():
        known = json.loads(path.read_text())
        if known['fingerprint'] == key:
            return known['scores']
    checkpoint = trained(cfg, seed, work_dir) if train else None
    scores = {}
    for name, test in tests.items():
        runner = _runner(test, seed, work_dir, checkpoint, training=False)
        prefix = f'{name}/' if name else ''
        scores |= {prefix + k: v for k, v in runner.test().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(fingerprint=key, scores=scores)))
    return scores


def trained(cfg: Config, seed: int, work_dir: Path) -> str:
    """Train a model, unless that was done with the same config and seed.

    A training of them that was stopped goes on from its last checkpoint. Those
    of another config are moved into a folder of their own first.

    Args:
        cfg: What to train. Nothing is validated on the way.
        seed: Of the random numbers.
        work_dir: Folder of logs and checkpoints.

    Returns:
        The path of its last checkpoint.
    """
    path = work_dir / 'trained.json'
    key = _fingerprint([cfg], seed)
    known = json.loads(path.read_text()) if path.is_file() else {}
    if known.get('fingerprint') != key:
        _set_aside(work_dir)
        work_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(fingerprint=key)))
    last = work_dir / f'epoch_{cfg.train_cfg.max_epochs}.pth'
    if not last.is_file():
        _runner(cfg, seed, work_dir, newest_checkpoint(work_dir).path).train()
    return str(last)


def _set_aside(work_dir: Path) -> None:
    """Move checkpoints, and what names the last one, into a new folder.

    What else lies there stays: it may be what the training reads.
    """
    files = [*work_dir.glob('*.pth'), *work_dir.glob('last_checkpoint')]
    if not files:
        return
    numbers = itertools.count(1)
    folders = (work_dir / f'old_{number}' for number in numbers)
    old = next(folder for folder in folders if not folder.exists())
    old.mkdir()
    for path in files:
        path.rename(old / path.name)
    print(f'the checkpoints of another config are in {old} now')


def repeat(
    title: str,
    cfg: Config,
    tests: Mapping[str, Config],
    seeds: Iterable[int],
    work_dir: Path,
) -> list[Scores]:
    """Call :func:`train_and_test` with each seed, and say how it goes.

    A frequency table is counted, so it is tested once and never trained.

    Args:
        title: What the run is called on the screen.
        cfg: As of :func:`train_and_test`.
        tests: Likewise.
        seeds: The seeds.
        work_dir: Each seed gets a folder in it.
    """
    head = cfg.get('model', {}).get('relation_head', {})
    learns = head.get('type') != 'FrequencyRelHead'
    runs = []
    for seed in seeds if learns else [0]:
        start = time.time()
        folder = work_dir / f'seed_{seed}'
        scores = train_and_test(cfg, tests, seed, folder, learns)
        found = ', '.join(f'{k} {v:.4f}' for k, v in scores.items())
        seconds = time.time() - start
        print(f'{title}, seed {seed}: {found} ({seconds:.0f} s)', flush=True)
        runs.append(scores)
    return runs


def score_table(
    methods: Mapping[str, Sequence[Scores]],
    columns: Mapping[str, str],
    above: Sequence[Sequence[str]] = (),
    head: str = 'method',
) -> str:
    """Tabulate some scores of several methods, in percent.

    Args:
        methods: The runs of each method, by the name of its row.
        columns: Which score stands under which head.
        above: Rows to put before, such as figures from papers.
        head: What stands above the names of the rows.
    """
    rows = [[*row] for row in above]
    for name, runs in methods.items():
        cells = (
            mean_and_spread([run[key] for run in runs])
            for key in columns.values()
        )
        rows.append([name, *cells])
    return markdown_table([head, *columns], rows)


def mean_and_spread(values: Sequence[float]) -> str:
    """Write the mean and the standard deviation of fractions in percent.

    Examples:
        >>> mean_and_spread([0.58, 0.59, 0.6])
        '59.0 ± 1.0'
        >>> mean_and_spread([0.58])
        '58.0'
    """
    percent = 100 * np.array(values)
    mean = f'{percent.mean():.1f}'
    if len(percent) == 1:
        return mean
    return f'{mean} ± {percent.std(ddof=1):.1f}'


def _runner(
    cfg: Config,
    seed: int,
    work_dir: Path,
    checkpoint: str | Path | None = None,
    training: bool = True,
) -> Runner:
    """Make a quiet runner that trains only, or tests only.

    With a checkpoint, training goes on from it.
    """
    cfg = copy.deepcopy(cfg)
    for part in ('val', 'test') if training else ('val',):
        cfg[f'{part}_cfg'] = cfg[f'{part}_dataloader'] = None
        cfg.pop(f'{part}_evaluator', None)
    if training:
        # what watches a validation score has none to watch
        cfg.default_hooks.checkpoint = dict(
            type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1
        )
        cfg.resume = checkpoint is not None
    if checkpoint:
        cfg.load_from = str(checkpoint)
    cfg.work_dir = str(work_dir)
    cfg.log_level = 'ERROR'
    cfg.randomness = dict(seed=seed)
    # loggers and visualizers live as long as the process, by name
    cfg.experiment_name = cfg.visualizer.name = f'run_{time.time_ns()}'
    return Runner.from_cfg(cfg)


def _fingerprint(configs: Sequence[Config], seed: int) -> str:
    """Tell whether anything changed since the scores were found."""
    content = [cfg.to_dict() for cfg in configs]
    text = json.dumps([content, seed], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
