"""Make a page of the images that are recalled best and worst.

It reads the file that ``tools/test.py --out`` wrote and writes one static
HTML page with a folder of pictures, to be opened from the disk.

Examples:
    python tools/analysis_tools/gallery.py preds.pkl \
        configs/linknet/sgdet.py --out-dir work_dirs/gallery
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.config import Config
from mmengine.utils import track_iter_progress

from mmsgg.analysis import (
    Card,
    ImageResult,
    best_and_worst,
    build_visualizer,
    dataset_meta,
    gallery_page,
    image_results,
    result_sample,
)
from mmsgg.engine import add_cfg_options, config_file
from mmsgg.evaluation import largest_topk, read_samples
from mmsgg.visualization import SGLocalVisualizer


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Show the best and worst images.')
    add = parser.add_argument
    add('results', help='what tools/test.py --out wrote')
    add(
        'config',
        type=config_file,
        help='names come from its test data set, the look of the pictures '
        'from its visualizer',
    )
    add('--out-dir', required=True, help='folder for index.html')
    add(
        '--num',
        type=int,
        default=20,
        help='how many images of both kinds together (default: 20)',
    )
    add(
        '--topk',
        nargs='+',
        type=int,
        default=[20, 50, 100],
        metavar='K',
        help='the recalls to show; the first decides which images are best '
        'and how many predictions are drawn (default: 20 50 100)',
    )
    add_cfg_options(parser)
    args = parser.parse_args(argv)
    if args.num < 1 or min(args.topk) < 1:
        parser.error('--num and --topk must be positive')
    return args


class Gallery:
    """Draws images of a result file, one at a time.

    Args:
        samples: Of :func:`mmsgg.evaluation.read_samples`.
        visualizer: With the names in its ``dataset_meta``.
        out_dir: Where the page will be.
        topk: The recalls to show, the first one drawn.
    """

    def __init__(
        self,
        samples: Sequence[dict],
        visualizer: SGLocalVisualizer,
        out_dir: Path,
        topk: Sequence[int],
    ) -> None:
        self.samples = samples
        self.visualizer = visualizer
        self.out_dir = out_dir
        self.topk = topk
        visualizer.topk_relations = topk[0]

    def card(self, result: ImageResult, stem: str) -> Card | None:
        """Draw an image; None where its file is not there."""
        sample = self.samples[result.index]
        path = Path(sample.get('img_path', ''))
        if not path.is_file():
            return None
        picture = f'pictures/{stem}.jpg'
        self.visualizer.add_datasample(
            stem,
            mmcv.imread(path, channel_order='rgb'),
            result_sample(sample, self.topk[0]),
            out_file=str(self.out_dir / picture),
        )
        return Card(
            picture,
            path.name,
            {f'R@{k}': result.recall(k) for k in self.topk},
            self._triplets(result),
        )

    def _triplets(self, result: ImageResult) -> list[tuple]:
        """The annotated triplets in words, and where each was hit."""
        meta = self.visualizer.dataset_meta
        classes, predicates = meta['classes'], meta['predicates']
        return [
            (
                f'{classes[s]}-{i} {predicates[p]} {classes[o]}-{j}',
                result.rank_of(row),
            )
            for row, ((s, o, p), (i, j)) in enumerate(
                zip(result.triplets, result.pairs, strict=True)
            )
        ]


def write_gallery(args: Namespace, samples: Sequence[dict]) -> None:
    """Choose the images, draw them and write the page.

    Args:
        args: Of :func:`parse_args`.
        samples: Of the result file.

    Raises:
        ValueError: Where the file holds too little for the largest K, no
            image with relations, or the images are not there.
    """
    most = largest_topk(samples)
    if most is not None and max(args.topk) > most:
        raise ValueError(
            f'the samples hold the best {most} triplets, too few for K = '
            f'{max(args.topk)}: give a smaller --topk'
        )
    results = image_results(samples, max(args.topk))
    if not results:
        raise ValueError('no image has a relation')
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    meta = dataset_meta(cfg)  # sets the scope that the visualizer is of
    visualizer = build_visualizer(cfg)
    visualizer.dataset_meta = meta
    out_dir = Path(args.out_dir)
    (out_dir / 'pictures').mkdir(parents=True, exist_ok=True)
    gallery = Gallery(samples, visualizer, out_dir, args.topk)
    best, worst = best_and_worst(results, args.topk[0], -(-args.num // 2))
    jobs = [('best', i, one) for i, one in enumerate(best, 1)]
    jobs += [('worst', i, one) for i, one in enumerate(worst, 1)]
    cards: dict[str, list[Card]] = dict(best=[], worst=[])
    for kind, number, result in track_iter_progress(jobs[: args.num]):
        card = gallery.card(result, f'{kind}_{number:02d}')
        if card is not None:
            cards[kind].append(card)
    print()
    drawn = len(cards['best']) + len(cards['worst'])
    if drawn < len(jobs[: args.num]):
        path = samples[jobs[0][2].index].get('img_path')
        print(f'{len(jobs) - drawn} images were not found, such as {path}')
    if drawn == 0:
        raise ValueError('no image was found; call from where it was tested')
    page = gallery_page(
        Path(args.results).name,
        summary(results, args.topk),
        [
            (f'Best by R@{args.topk[0]}', cards['best']),
            (f'Worst by R@{args.topk[0]}', cards['worst']),
        ],
    )
    (out_dir / 'index.html').write_text(page, encoding='utf-8')
    print(f'wrote {out_dir / "index.html"} with {drawn} images')


def summary(results: Sequence[ImageResult], topk: Sequence[int]) -> str:
    """Say in a line how good all images are."""
    means = [np.mean([result.recall(k) for result in results]) for k in topk]
    recalls = ', '.join(
        f'R@{k} {mean:.3f}' for k, mean in zip(topk, means, strict=True)
    )
    return f'{len(results)} images with relations: {recalls}'


def main(argv: Sequence[str] | None = None) -> None:
    """Read the file and make the page."""
    args = parse_args(argv)
    try:
        write_gallery(args, read_samples(args.results))
    except ValueError as error:
        message = str(error)
        if args.results not in message:
            message = f'{args.results}: {message}'
        raise SystemExit(message) from error


if __name__ == '__main__':
    main()
