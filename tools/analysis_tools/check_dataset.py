"""Read everything the data sets of a config name, and say what is wrong.

The exit status is 1 where training would be affected, else 0. All rows that a
data set would refuse are found at once.

Examples:
    python tools/analysis_tools/check_dataset.py configs/linknet/sgdet.py
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset

from config_parts import build_dataset, dataset_settings
from dataset_checks import (
    OpenedDataset,
    ProblemReport,
    check_graphs,
    check_overlap,
    check_self_relations,
    check_split_images,
    check_vg150_files,
)
from mmsgg.datasets import (
    BadRows,
    SceneGraphDataset,
    VG150Dataset,
    inner_datasets,
    scene_graphs_of,
)
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


def check_config(
    cfg: Config, with_images: bool = True, max_examples: int = 5
) -> ProblemReport:
    """Read everything that training and testing would read.

    Args:
        cfg: With ``{train,val,test}_dataloader`` and ``model``.
        with_images: Whether to decode the images, which takes long.
        max_examples: How many examples of each kind of problem to keep.
    """
    report = ProblemReport(max_examples)
    opened: list[OpenedDataset] = []
    files: set[tuple] = set()
    for split in ('train', 'val', 'test'):
        if dataset_settings(cfg, split) is None:
            report.notes.append(f'the config has no {split} data set')
            continue
        opened += _open_split(report, cfg, split, files)
    opened = _without_repeats(report, opened)
    for one in opened:
        meta = one.dataset.metainfo
        sizes = {key: len(meta[key]) for key in ('classes', 'predicates')}
        _check_losses(report, one.name, one.dataset)
        pixel_side = getattr(one.dataset, 'pixel_side', 1)
        check_graphs(report, one.name, one.graphs, *sizes.values(), pixel_side)
        _check_model(report, cfg.get('model', {}), 'model', one.name, sizes)
    _check_names(report, opened)
    check_overlap(report, opened)
    if with_images:
        readers = [one for one in opened if opens_images(one.dataset)]
        report.notes += [
            f'{one.name}: the pipeline opens no image, none was checked'
            for one in opened
            if one not in readers
        ]
        check_split_images(report, readers)
    return report


def _without_repeats(
    report: ProblemReport, opened: list[OpenedDataset]
) -> list[OpenedDataset]:
    """Leave out what was opened before, as where val is test."""
    kept: list[OpenedDataset] = []
    for one in opened:
        first = next((other for other in kept if _same(one, other)), None)
        if first is None:
            kept.append(one)
        else:
            report.notes.append(f'{one.name} has the items of {first.name}')
    return kept


def _same(one: OpenedDataset, other: OpenedDataset) -> bool:
    # training on test images is not to go unnoticed
    return (
        (one.split == 'train') == (other.split == 'train')
        and one.dataset.metainfo == other.dataset.metainfo
        and one.name.split(' (')[1:] == other.name.split(' (')[1:]
        and np.array_equal(one.graphs.img_ids, other.graphs.img_ids)
        and np.array_equal(one.graphs.pairs, other.graphs.pairs)
    )


def _open_split(
    report: ProblemReport, cfg: Config, split: str, files: set[tuple]
) -> list[OpenedDataset]:
    """Open the data sets of a split; each failure is a problem."""
    found: list[OpenedDataset] = []
    # whatever a reader raises is for the user to read
    try:
        datasets = inner_datasets(build_dataset(cfg, split, lazy=True))
    except Exception as error:
        _add_failure(report, split, error)
        return found
    for dataset in datasets:
        file = getattr(dataset, 'ann_file', '') or type(dataset).__name__
        name = f'{split} ({file})'
        if isinstance(dataset, VG150Dataset):
            check_vg150_files(report, dataset, files)
        try:
            with _read_on(dataset):
                dataset.full_init()
            graphs = scene_graphs_of(dataset)
        except Exception as error:
            _add_failure(report, name, error)
            continue
        found.append(OpenedDataset(split, name, dataset, graphs))
        related = int((graphs.relation_counts > 0).sum())
        sizes = len(graphs), related, len(graphs.boxes), len(graphs.pairs)
        report.sizes.append((name, *sizes))
    return found


def _checks_rows(dataset: BaseDataset) -> bool:
    """Whether bad rows are to be found by reading the file."""
    # the files of VG150 were looked through themselves
    return isinstance(dataset, SceneGraphDataset) and not isinstance(
        dataset, VG150Dataset
    )


@contextmanager
def _read_on(dataset: BaseDataset, max_examples: int = 0) -> Iterator[BadRows]:
    """Let a data set read on after the first bad row, and collect them."""
    bad_rows = BadRows(drop=True, max_examples=max_examples)
    if not _checks_rows(dataset):
        yield bad_rows
        return
    chosen, dataset.bad_rows = dataset.bad_rows, bad_rows
    try:
        yield bad_rows
    finally:
        dataset.bad_rows = chosen


def _check_losses(
    report: ProblemReport, name: str, dataset: BaseDataset
) -> None:
    """Look for what a data set refuses, drops and clips when it reads."""
    if not _checks_rows(dataset):
        return
    with _read_on(dataset, report.max_examples) as bad_rows:
        loaded = dataset.load_graphs()
    dropped = dict(loaded.dropped)
    if dataset.bad_rows.drop:
        dropped |= bad_rows.counts
    else:
        for kind, words in bad_rows.examples.items():
            report.add(
                kind,
                range(bad_rows.counts[kind]),
                lambda row, words=words: f'{name}: {words[row]}',
            )
    check_self_relations(report, f'{name} unfiltered', loaded.graphs)
    losses = [f'{num} {what} dropped' for what, num in dropped.items()]
    if loaded.num_clipped:
        losses.append(f'{loaded.num_clipped} boxes cut at the border')
    if len(loaded.degenerate):
        losses.append(f'{len(loaded.degenerate)} boxes without an area')
    if loaded.graphs.ignored is not None:
        losses.append(f'{len(loaded.graphs.ignored.boxes)} regions to ignore')
    if loaded.note:
        losses.append(loaded.note)
    if losses:
        report.notes.append(f'{name}, in reading: {", ".join(losses)}')


def _add_failure(report: ProblemReport, name: str, error: Exception) -> None:
    # str(KeyError) would put its message in quotes
    words = error.args[0] if len(error.args) == 1 else error
    report.add_one(
        'unreadable data set', f'{name}: {type(error).__name__}: {words}'
    )


def _check_model(
    report: ProblemReport,
    settings: Any,
    path: str,
    name: str,
    sizes: dict[str, int],
) -> None:
    """Compare the numbers of the heads with those of the data set."""
    if isinstance(settings, list | tuple):
        settings = {str(i): value for i, value in enumerate(settings)}
    if not isinstance(settings, dict):
        return
    for key, value in settings.items():
        field = dict(num_classes='classes', num_predicates='predicates')
        # an RPN has one class of its own
        if key in field and 'rpn_head' not in path:
            if value != sizes[field[key]]:
                report.add_one(
                    'model size mismatch',
                    f'{path}.{key} is {value}, {name} has '
                    f'{sizes[field[key]]} {field[key]}',
                )
        else:
            _check_model(report, value, f'{path}.{key}', name, sizes)


def _check_names(report: ProblemReport, opened: list[OpenedDataset]) -> None:
    """Compare the names of the splits, and look for unused ones."""
    for key in ('classes', 'predicates'):
        for one in opened[1:]:
            first = opened[0].dataset.metainfo[key]
            if tuple(one.dataset.metainfo[key]) != tuple(first):
                report.add_one(
                    'vocabulary mismatch',
                    f'the {key} of {one.name} are not those of '
                    f'{opened[0].name}',
                )
        training = [one for one in opened if one.split == 'train']
        if training:
            _check_use(report, training, key)


def _check_use(
    report: ProblemReport, training: list[OpenedDataset], key: str
) -> None:
    """Look for names without a box or relation to learn them from."""
    names = training[0].dataset.metainfo[key]
    used: set[int] = set()
    for one in training:
        graphs = one.graphs
        labels = graphs.labels if key == 'classes' else graphs.predicates
        used.update(np.unique(labels).tolist())
    report.add(
        'name never occurs in training',
        [label for label in range(len(names)) if label not in used],
        lambda label: f'{training[0].name}: {key}[{label}], {names[label]!r}',
    )


def opens_images(dataset: BaseDataset) -> bool:
    """Whether the pipeline of a data set reads an image file.

    Args:
        dataset: With the ``pipeline`` of mmengine's data sets.
    """
    transforms = getattr(dataset.pipeline, 'transforms', [])
    return any('LoadImage' in type(one).__name__ for one in transforms)


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
