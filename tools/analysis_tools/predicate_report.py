"""Say how well each predicate is recalled and what it is taken for.

It reads the file that ``tools/test.py --out`` wrote.

Examples:
    python tools/analysis_tools/predicate_report.py preds.npz \
        configs/linknet/sgdet.py --out-dir work_dirs/report
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.utils import track_iter_progress

from config_parts import dataset_meta
from mmsgg.engine import config_file
from mmsgg.evaluation import SceneGraphMetric, check_topk, read_samples
from mmsgg.evaluation.functional import (
    PredictedGraph,
    TrueGraph,
    match_objects,
    predicted_graph,
    rank_pairs,
    true_graph,
)
from predicate_plots import plot_confusion, plot_predicate_recalls
from report_tables import text_table, write_csv
from result_errors import stop_naming

CONFUSION_HEADS = ('annotated', 'predicted', 'count', 'share')


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Report on each predicate.')
    add = parser.add_argument
    add('results', help='what tools/test.py --out wrote')
    add(
        'config',
        nargs='?',
        type=config_file,
        help='a config: the names come from its test data set',
    )
    add('--out-dir', required=True, help='folder for two plots and two CSVs')
    add(
        '--topk',
        nargs='+',
        type=int,
        default=[20, 50, 100],
        metavar='K',
        help='default: 20 50 100',
    )
    add(
        '--num-confusions',
        type=int,
        default=10,
        metavar='N',
        help='how many confusions to print, the most frequent (default: 10)',
    )
    return parser.parse_args(argv)


def predicate_recalls(
    samples: Sequence[dict], topk: Sequence[int], meta: dict[str, Any]
) -> dict[str, Any]:
    """The recall of each predicate, as ``SceneGraphMetric`` makes it.

    Args:
        samples: One dict an image.
        topk: The numbers K.
        meta: ``predicates`` of the data set, or nothing.

    Returns:
        ``predicate`` names, ``relations`` (P,) and ``R@K`` (P,) each.

    Raises:
        ValueError: Where the file does not hold enough for the largest K,
            or no relation.
    """
    check_topk(samples, topk)
    if not any(len(s['gt_relations']['labels']) for s in samples):
        raise ValueError('no image has a relation')
    metric = SceneGraphMetric(['R'], sorted(topk), classwise=True)
    metric.dataset_meta = meta
    for sample in track_iter_progress(samples, file=sys.stderr):
        metric.process(None, [sample])
    metric.evaluate(len(samples))
    return metric.predicate_recalls


class PredicateConfusion(NamedTuple):
    """The annotated relations by what was predicted for their pair."""

    counts: np.ndarray  # (P, P + 1) true x predicted; the last: not ranked
    not_found: np.ndarray  # (P,) relations of which an object was not found

    @property
    def shares(self) -> np.ndarray:
        """(P, P + 1) each row of the counts as parts of 1, 0 if empty."""
        totals = self.counts.sum(1, keepdims=True)
        return self.counts / np.maximum(totals, 1)


def predicate_confusion(
    samples: Iterable[Mapping[str, Any]],
    num_predicates: int,
    iou_thr: float = 0.5,
) -> PredicateConfusion:
    """Compare annotated predicates with the best predicted ones.

    An annotated relation is judged where both its objects are found: there
    is a detection of the same class that overlaps, by the rule of the
    metrics. Of the pairs of such detections the one ranked first says what
    was predicted, by its most probable predicate. A pair with two
    annotations is judged twice, so that at least one is off the diagonal.

    Args:
        samples: Of :func:`mmsgg.evaluation.read_samples`.
        num_predicates: P.
        iou_thr: The least overlap of the boxes.

    Returns:
        The counts. In the last column are those whose pair is not among the
        predictions; files of ``DumpSceneGraphs`` hold the best pairs only.
    """
    shape = num_predicates, num_predicates + 1
    counts = np.zeros(shape, np.int64)
    not_found = np.zeros(num_predicates, np.int64)
    for sample in samples:
        true, predicted = true_graph(sample), predicted_graph(sample)
        found, answers = _answers(true, predicted, num_predicates, iou_thr)
        np.add.at(counts, (true.predicates[found], answers[found]), 1)
        np.add.at(not_found, true.predicates[~found], 1)
    return PredicateConfusion(counts, not_found)


def _answers(
    true: TrueGraph,
    predicted: PredictedGraph,
    num_predicates: int,
    iou_thr: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether both objects are found (R,) and the predicate (R,) or P."""
    match = match_objects(
        predicted.boxes, predicted.labels, true.boxes, true.labels, iou_thr
    )
    found = match.any(0)[true.pairs].all(1)
    answers = np.full(len(found), num_predicates)
    if len(predicted.pairs) == 0:
        return found, answers
    rows, predicates = rank_pairs(
        predicted.predicate_scores, len(predicted.pairs), predicted.pair_scores
    )
    subjects, objects = predicted.pairs[rows].T
    fits = match[subjects][:, true.pairs[:, 0]]  # (K, R)
    fits = fits & match[objects][:, true.pairs[:, 1]]
    ranked = fits.any(0)
    answers[ranked] = predicates[fits.argmax(0)[ranked]]
    return found, answers


def confusion_rows(
    confusion: PredicateConfusion, names: Sequence[str]
) -> list[tuple]:
    """List what is taken for what, the most frequent first."""
    counts, shares = confusion.counts, confusion.shares
    columns = [*names, '(not ranked)']
    rows, predicted = np.nonzero(counts)
    order = np.argsort(-counts[rows, predicted], kind='stable')
    return [
        (
            names[row],
            columns[column],
            int(counts[row, column]),
            float(shares[row, column]),
        )
        for row, column in zip(rows[order], predicted[order], strict=True)
    ]


def write_report(
    out_dir: Path, table: dict[str, Any], confusion: PredicateConfusion
) -> list[tuple]:
    """Write plots and tables; return the rows of the confusion."""
    out_dir.mkdir(parents=True, exist_ok=True)
    recalls = dict(table)
    names, counts = recalls.pop('predicate'), recalls.pop('relations')
    rows = confusion_rows(confusion, names)
    columns = dict(table, objects_not_found=confusion.not_found)
    order = np.argsort(-counts, kind='stable')
    write_csv(
        out_dir / 'predicates.csv',
        list(columns),
        ([column[i] for column in columns.values()] for i in order),
    )
    write_csv(out_dir / 'confusion.csv', CONFUSION_HEADS, rows)
    plot_predicate_recalls(out_dir / 'recall.png', names, counts, recalls)
    plot_confusion(out_dir / 'confusion.png', names, confusion.counts)
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate each predicate, print and draw."""
    args = parse_args(argv)
    cfg = None if args.config is None else Config.fromfile(args.config)
    with stop_naming(args.results):
        samples = read_samples(args.results)
        table = predicate_recalls(samples, args.topk, dataset_meta(cfg))
        confusion = predicate_confusion(
            track_iter_progress(samples, file=sys.stderr),
            len(table['predicate']),
        )
    rows = write_report(Path(args.out_dir), table, confusion)
    judged, lost = confusion.counts.sum(), confusion.not_found.sum()
    print(
        f'{judged + lost} relations; of {judged} both objects are found and '
        f'{np.trace(confusion.counts)} of these have the right predicate'
    )
    wrong = [row for row in rows if row[0] != row[1]]
    print('\nmost frequent confusions')
    print(text_table(CONFUSION_HEADS, wrong[: args.num_confusions]))
    print(f'\nwrote two plots and two CSV files into {args.out_dir}')


if __name__ == '__main__':
    main()
