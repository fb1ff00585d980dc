"""Say what the scene graphs of a data set are made of.

Examples:
    python tools/analysis_tools/relation_statistics.py \
        configs/linknet/sgdet.py --out-dir work_dirs/statistics
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config

from config_parts import build_dataset, dataset_settings
from mmsgg.datasets import SceneGraphArrays, count_relations, scene_graphs_of
from mmsgg.engine import add_cfg_options, config_file
from mmsgg.evaluation import prior_probabilities, prior_recall
from predicate_plots import plot_predicates, plot_prior
from report_tables import text_table, write_csv

PREDICATE_HEADS = ('predicate', 'count', 'share', 'cumulative')
TRIPLET_HEADS = ('subject', 'predicate', 'object', 'count')


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Count what is in a data set.')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='what to count (default: train); the prior is of train always',
    )
    parser.add_argument('--out-dir', help='folder for CSV files and plots')
    parser.add_argument(
        '--must-overlap',
        action='store_true',
        help='let the prior count unrelated pairs only if they overlap',
    )
    parser.add_argument(
        '--num-triplets',
        type=int,
        default=20,
        help='how many of the most frequent triplets to print (default: 20)',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


@dataclass(frozen=True)
class GraphStatistics:
    """Counts over the images of a data set.

    Args:
        num_images: N.
        num_related_images: Images with a relation.
        objects_an_image: (N,) int64.
        relations_an_image: (N,) int64.
        num_pairs: Different [subject, object] pairs with a relation.
        num_multi_pairs: Those with several different predicates.
        class_counts: (C,) int64 boxes of each class.
        predicate_counts: (P,) int64 relations of each predicate.
        triplets: (T, 3) int64 different [subject class, object class,
            predicate], the most frequent first.
        triplet_counts: (T,) int64 relations of each.
    """

    num_images: int
    num_related_images: int
    objects_an_image: np.ndarray
    relations_an_image: np.ndarray
    num_pairs: int
    num_multi_pairs: int
    class_counts: np.ndarray
    predicate_counts: np.ndarray
    triplets: np.ndarray
    triplet_counts: np.ndarray

    @property
    def multi_share(self) -> float:
        """Share of the related pairs that have several predicates."""
        return self.num_multi_pairs / max(self.num_pairs, 1)

    def predicates_for(self, share: float) -> int:
        """How many predicates make up a share of the relations.

        Args:
            share: A fraction.
        """
        counts = np.sort(self.predicate_counts)[::-1]
        reached = np.cumsum(counts) >= share * counts.sum()
        return int(reached.argmax()) + 1


def graph_statistics(
    graphs: SceneGraphArrays, num_classes: int, num_predicates: int
) -> GraphStatistics:
    """Count what is in the scene graphs of a data set.

    Args:
        graphs: Scene graphs.
        num_classes: Object classes C.
        num_predicates: Predicates P.
    """
    ends = graphs.global_pairs()  # box rows tell the image too
    named = np.unique(np.column_stack([ends, graphs.predicates]), axis=0)
    _, predicates_a_pair = np.unique(named[:, :2], axis=0, return_counts=True)
    triplets, counts = np.unique(graphs.triplets(), axis=0, return_counts=True)
    order = np.argsort(-counts, kind='stable')
    return GraphStatistics(
        num_images=len(graphs),
        num_related_images=int((graphs.relation_counts > 0).sum()),
        objects_an_image=graphs.box_counts,
        relations_an_image=graphs.relation_counts,
        num_pairs=len(predicates_a_pair),
        num_multi_pairs=int((predicates_a_pair > 1).sum()),
        class_counts=np.bincount(graphs.labels, minlength=num_classes),
        predicate_counts=np.bincount(
            graphs.predicates, minlength=num_predicates
        ),
        triplets=triplets[order],
        triplet_counts=counts[order],
    )


def describe(stats: GraphStatistics) -> str:
    """Lay out what is said in a line each."""
    objects, relations = stats.objects_an_image, stats.relations_an_image
    related = relations[relations > 0]
    lines = [
        f'{stats.num_images} images, {stats.num_related_images} of them with '
        f'{relations.sum()} relations; {objects.sum()} objects'
    ]
    for what, counts in (
        ('objects an image', objects),
        ('relations an image that has some', related),
    ):
        if len(counts):
            lines.append(
                f'{what}: mean {counts.mean():.2f}, median '
                f'{np.median(counts):.0f}, at most {counts.max()}'
            )
    lines.append(
        f'pairs with several predicates: {stats.num_multi_pairs} of '
        f'{stats.num_pairs} ({stats.multi_share:.1%})'
    )
    if len(related):
        lines.append(
            'predicates that make up half of the relations: '
            f'{stats.predicates_for(0.5)}; nine tenths: '
            f'{stats.predicates_for(0.9)}; without any: '
            f'{(stats.predicate_counts == 0).sum()}'
        )
    return '\n'.join(lines)


def predicate_rows(stats: GraphStatistics, names: Sequence[str]) -> list:
    """List name, count, share and cumulative share, the largest first."""
    counts = stats.predicate_counts
    order = np.argsort(-counts, kind='stable')
    shares = counts[order] / max(counts.sum(), 1)
    return [
        (names[i], int(counts[i]), float(share), float(total))
        for i, share, total in zip(
            order, shares, np.cumsum(shares), strict=True
        )
    ]


def triplet_rows(
    stats: GraphStatistics, classes: Sequence[str], predicates: Sequence[str]
) -> list:
    """List subject, predicate, object and count, the most frequent first."""
    return [
        (classes[s], predicates[p], classes[o], int(count))
        for (s, o, p), count in zip(
            stats.triplets, stats.triplet_counts, strict=True
        )
    ]


def recall_rows(cfg: Config, probabilities: np.ndarray) -> list:
    """List R@K of the prior on the data sets that are held out."""
    rows = []
    for split in ('val', 'test'):
        if dataset_settings(cfg, split) is not None:
            graphs = scene_graphs_of(build_dataset(cfg, split))
            recalls = prior_recall(probabilities, graphs, progress=True)
            rows.append((split, *recalls.values()))
    return rows


def write_files(
    out_dir: Path,
    frequencies: list,
    triplets: list,
    stats: GraphStatistics,
    probabilities: np.ndarray,
    meta: dict,
) -> None:
    """Write the tables and the plots."""
    out_dir.mkdir(parents=True, exist_ok=True)
    write_csv(out_dir / 'predicates.csv', PREDICATE_HEADS, frequencies)
    write_csv(out_dir / 'triplets.csv', TRIPLET_HEADS, triplets)
    plot_predicates(
        out_dir / 'predicates.png', meta['predicates'], stats.predicate_counts
    )
    plot_prior(
        out_dir / 'prior.png',
        probabilities,
        stats.class_counts,
        meta['classes'],
        meta['predicates'],
    )
    print(f'\nwrote two CSV files and two plots into {out_dir}')


def main(argv: Sequence[str] | None = None) -> None:
    """Count, print and draw."""
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    dataset = build_dataset(cfg, args.split)
    meta = dataset.metainfo
    classes, predicates = meta['classes'], meta['predicates']
    stats = graph_statistics(
        scene_graphs_of(dataset), len(classes), len(predicates)
    )
    frequencies = predicate_rows(stats, predicates)
    triplets = triplet_rows(stats, classes, predicates)
    train = dataset if args.split == 'train' else build_dataset(cfg, 'train')
    probabilities = prior_probabilities(
        count_relations(train, args.must_overlap)
    )
    recalls = recall_rows(cfg, probabilities)
    print(f'\n{args.split}\n{describe(stats)}')
    print(f'\n{text_table(PREDICATE_HEADS, frequencies)}')
    print(f'\n{text_table(TRIPLET_HEADS, triplets[: args.num_triplets])}')
    print('\nrecall of the frequency prior of train, boxes and classes given')
    heads = ('data set', 'R@20', 'R@50', 'R@100')
    print(text_table(heads, recalls, digits=4))
    if args.out_dir is not None:
        write_files(
            Path(args.out_dir),
            frequencies,
            triplets,
            stats,
            probabilities,
            meta,
        )


if __name__ == '__main__':
    main()
