"""Evaluate the file that ``tools/test.py --out`` wrote, or make it JSON.

Examples:
    python tools/analysis_tools/eval_metric.py preds.npz --metrics R F
    python tools/analysis_tools/eval_metric.py preds.npz \
        configs/linknet/sgdet.py --topk 10 20 --json graphs.json
    python tools/analysis_tools/eval_metric.py preds.npz --protocol sgb \
        --out results.json
"""

import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.fileio import dump
from mmengine.utils import track_iter_progress

from config_parts import dataset_meta
from mmsgg.engine import config_file
from mmsgg.evaluation import (
    SceneGraphMetric,
    check_topk,
    graph_to_dict,
    read_samples,
    write_scene_graphs,
)
from mmsgg.visualization.graph_dict import counted
from result_errors import stop_naming


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description='Evaluate the file that tools/test.py --out wrote.'
    )
    add = parser.add_argument
    add('results', help='what tools/test.py --out wrote')
    add(
        'config',
        nargs='?',
        type=config_file,
        help='a config: its test_evaluator has the settings, its test data '
        'set the names; the options below override it',
    )
    add('--protocol', metavar='NAME', help='such as sgb, see docs/metrics.md')
    add(
        '--rules',
        nargs='+',
        action=DictAction,
        metavar='NAME=VALUE',
        help='rules of the protocol to change',
    )
    add('--metrics', nargs='+', metavar='NAME', help='such as R ng-R mR F')
    add(
        '--topk',
        nargs='+',
        type=number_or_gt,
        metavar='K',
        help='the K of R@K, such as 20 50 100',
    )
    add('--iou-thr', type=float, help='the least overlap of the boxes')
    add(
        '--zero-shot-triplets',
        metavar='FILE',
        help='0-based [subject, object, predicate] for zR and ng-zR',
    )
    add(
        '--predicates-per-pair',
        type=int,
        metavar='N',
        help='how many predicates of a pair count for pooled-R and in --json',
    )
    add(
        '--classwise',
        action='store_true',
        default=None,
        help='log the recall of each predicate too',
    )
    add('--out', metavar='FILE', help='write numbers and protocol as JSON')
    add_json_arguments(parser)
    return parser.parse_args(argv)


def number_or_gt(text: str) -> int | str:
    """A number K, or as many as an image has related pairs."""
    return text if text == 'gt' else int(text)


def add_json_arguments(parser: ArgumentParser) -> None:
    """Add what concerns the JSON file."""
    add = parser.add_argument
    add('--json', metavar='FILE', help='write the predicted graphs here')
    add(
        '--json-topk',
        type=int,
        default=100,
        metavar='K',
        help='the most triplets of an image in --json (default: 100)',
    )
    add(
        '--score-thr',
        type=float,
        default=0.0,
        help='the least score of a triplet in --json (default: 0)',
    )


def metric_settings(
    args: Namespace, cfg: Config | None
) -> list[dict[str, Any]]:
    """The arguments of each metric: of the config, then of the options."""
    configured = [{}]
    if cfg is not None:
        evaluators = cfg.test_evaluator
        if not isinstance(evaluators, list | tuple):
            evaluators = [evaluators]
        configured = [
            {k: v for k, v in evaluator.items() if k != 'type'}
            for evaluator in evaluators
            if evaluator['type'].split('.')[-1] == 'SceneGraphMetric'
        ] or configured
    options = (
        'protocol',
        'rules',
        'metrics',
        'topk',
        'iou_thr',
        'zero_shot_triplets',
        'predicates_per_pair',
        'classwise',
    )
    given = {name: getattr(args, name) for name in options}
    given = {k: v for k, v in given.items() if v is not None}
    return [{**settings, **given} for settings in configured]


def evaluate(
    samples: Sequence[dict], settings: dict[str, Any], meta: dict[str, Any]
) -> tuple[dict[str, float], dict[str, Any]]:
    """Evaluate samples as the test loop does.

    Args:
        samples: One dict an image.
        settings: Arguments of ``SceneGraphMetric``.
        meta: ``classes`` and ``predicates`` of the data set, or nothing.

    Returns:
        A number for each metric and K, and how they were measured.

    Raises:
        ValueError: Where the file does not hold enough for the largest K.
    """
    metric = SceneGraphMetric(**settings)
    metric.dataset_meta = meta
    check_topk(samples, metric.judged_topk, metric.needs_all_pairs)
    for sample in track_iter_progress(samples, file=sys.stderr):
        metric.process(None, [sample])
    return metric.evaluate(len(samples)), metric.report


def write_json(
    args: Namespace, samples: Sequence[dict], meta: dict[str, Any]
) -> None:
    """Write the graphs as ``--json`` asks for it."""
    graphs = (
        graph_to_dict(
            sample,
            meta.get('classes'),
            meta.get('predicates'),
            args.json_topk,
            args.score_thr,
            args.predicates_per_pair or 1,
        )
        for sample in track_iter_progress(samples, file=sys.stderr)
    )
    write_scene_graphs(args.json, graphs)
    print(f'{args.json}: {counted(len(samples), "image")}')


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate the file and print the numbers in full precision."""
    args = parse_args(argv)
    cfg = None if args.config is None else Config.fromfile(args.config)
    with stop_naming(args.results):
        meta = dataset_meta(cfg)
        samples = read_samples(args.results)
        measured = []
        for settings in metric_settings(args, cfg):
            results, report = evaluate(samples, settings, meta)
            # JSON has no nan
            numbers = {
                name: None if math.isnan(value) else float(value)
                for name, value in results.items()
            }
            measured.append(dict(report=report, results=numbers))
            for name, value in results.items():
                print(f'{name:<16} {float(value)!r}')
        if args.out is not None:
            dump(measured, args.out, file_format='json')
        if args.json is not None:
            write_json(args, samples, meta)


if __name__ == '__main__':
    main()
