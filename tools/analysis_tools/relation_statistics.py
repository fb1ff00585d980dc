"""Say what the scene graphs of a data set are made of.

Examples:
    python tools/analysis_tools/relation_statistics.py \
        configs/linknet/sgdet.py --out-dir work_dirs/statistics
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmsgg.analysis import (
    GraphStatistics,
    build_dataset,
    dataset_settings,
    graph_statistics,
    plot_predicates,
    plot_prior,
    text_table,
    write_csv,
)
from mmsgg.datasets import count_relations, scene_graphs_of
from mmsgg.engine import add_cfg_options, config_file
from mmsgg.evaluation import prior_probabilities, prior_recall

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
            recalls = prior_recall(probabilities, graphs)
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
    print(text_table(('data set', 'R@20', 'R@50', 'R@100'), recalls))
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
