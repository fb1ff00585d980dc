"""Draw images of a data set with their annotated scene graphs.

Examples:
    python tools/analysis_tools/browse_dataset.py configs/linknet/sgdet.py \
        --split test --out-dir work_dirs/browse
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset

from mmsgg.analysis import (
    build_dataset,
    build_visualizer,
    pipeline_sample,
    raw_sample,
)
from mmsgg.engine import add_cfg_options, config_file


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Draw the annotation of a data set.')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument('--out-dir', required=True, help='folder to write to')
    parser.add_argument(
        '--split', choices=['train', 'val', 'test'], default='train'
    )
    parser.add_argument(
        '--num',
        type=int,
        default=20,
        help='how many images to draw by lot (default: 20)',
    )
    parser.add_argument(
        '--indices', type=int, nargs='+', help='draw these items instead'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the lot')
    parser.add_argument(
        '--pipeline',
        action='store_true',
        help='draw what the pipeline hands to the model, not the raw items',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def drawn_samples(
    dataset: BaseDataset,
    indices: Iterable[int],
    num: int,
    sample_of: Callable,
) -> Iterable[tuple]:
    """Yield up to ``num`` (index, image, sample); missing images are named."""
    missing = 0
    for index in indices:
        if num == 0:
            break
        try:
            yield int(index), *sample_of(dataset, int(index))
            num -= 1
        except FileNotFoundError as error:
            missing += 1
            if missing == 1:
                print(f'item {index} is passed over: {error}')
    if missing:
        print(f'{missing} items without an image were passed over')


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the images and name the files."""
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    dataset = build_dataset(cfg, args.split)
    if not args.pipeline:
        dataset.filter_duplicate_relations = False  # draw all there are
    visualizer = build_visualizer(cfg)
    visualizer.dataset_meta = dataset.metainfo
    indices, num = args.indices, args.num
    if indices is None:
        indices = np.random.default_rng(args.seed).permutation(len(dataset))
    else:
        num = len(indices)
    np.random.seed(args.seed)  # pipelines draw from the global generator
    sample_of = pipeline_sample if args.pipeline else raw_sample
    count = 0
    for index, image, sample in drawn_samples(
        dataset, indices, num, sample_of
    ):
        stem = Path(sample.img_path).stem
        path = Path(args.out_dir) / f'{args.split}_{index:06d}_{stem}.jpg'
        visualizer.add_datasample(
            stem, image, sample, draw_pred=False, out_file=str(path)
        )
        count += 1
    print(f'drew {count} images into {args.out_dir}')


if __name__ == '__main__':
    main()
