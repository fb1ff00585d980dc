"""Make a page of the images that are recalled best and worst.

It reads the file that ``tools/test.py --out`` wrote and writes one static
HTML page with a folder of pictures, to be opened from the disk.

Examples:
    python tools/analysis_tools/gallery.py preds.npz \
        configs/linknet/sgdet.py --out-dir work_dirs/gallery
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader
from mmengine.config import Config
from mmengine.utils import track_iter_progress

from config_parts import build_visualizer, dataset_meta, read_image
from gallery_results import (
    ImageResult,
    best_and_worst,
    image_results,
    result_sample,
)
from mmsgg.datasets.transforms.loading import BrokenImageError
from mmsgg.engine import add_cfg_options, config_file
from mmsgg.evaluation import check_topk, read_samples
from mmsgg.structures import SGDataSample
from mmsgg.visualization import SGLocalVisualizer
from mmsgg.visualization.graph_dict import counted, one_line
from result_errors import stop_naming


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


class Card(NamedTuple):
    """What the page says of one image."""

    picture: str  # path from the page, with forward slashes
    name: str
    recalls: dict[str, float]
    triplets: Sequence[tuple[str, int | None]]  # words, place of the hit

    @property
    def num_found(self) -> int:
        """How many of the triplets are hit."""
        return sum(place is not None for _, place in self.triplets)


def gallery_page(
    title: str, summary: str, sections: Iterable[tuple[str, Sequence[Card]]]
) -> str:
    """The page; it needs no script and nothing from the net.

    Args:
        title: Of the page.
        summary: A line below it.
        sections: Their headings and cards.

    Returns:
        HTML. All names are escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
    )
    template = environment.get_template('gallery.html')
    return template.render(title=title, summary=summary, sections=sections)


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
        self.score_thr = visualizer.relation_score_thr
        visualizer.relation_score_thr = 0.0  # see _drawn
        visualizer.topk_relations = topk[0]

    def card(self, result: ImageResult, stem: str) -> Card | None:
        """Draw an image; None where its file does not load."""
        sample = self.samples[result.index]
        path = sample.get('img_path') or ''
        try:
            image = read_image(path)
        except (FileNotFoundError, BrokenImageError):
            return None
        picture = f'pictures/{stem}.jpg'
        self.visualizer.add_datasample(
            stem,
            image,
            self._drawn(result),
            out_file=str(self.out_dir / picture),
        )
        return Card(
            picture,
            Path(path).name,
            {f'R@{k}': result.recall(k) for k in self.topk},
            self._triplets(result),
        )

    def _drawn(self, result: ImageResult) -> SGDataSample:
        """The image with its first K relations, cut after the last hit.

        Those after it are drawn only if they pass the threshold of the
        visualizer; those before it always, as the metric knows no threshold.
        """
        k = self.topk[0]
        sample = result_sample(self.samples[result.index], k)
        places = result.ranks[result.ranks < k] + 1
        likely = int((sample.pred_relations.scores >= self.score_thr).sum())
        count = max(likely, places.max(initial=0))
        sample.pred_relations = sample.pred_relations[:count]
        return sample

    def _triplets(self, result: ImageResult) -> list[tuple[str, int | None]]:
        """The annotated triplets in words, and where each was hit."""
        meta = self.visualizer.dataset_meta
        classes, predicates = meta['classes'], meta['predicates']
        return [
            (
                one_line(f'{classes[s]}-{i} {predicates[p]} {classes[o]}-{j}'),
                result.rank_of(row),
            )
            for row, ((s, o, p), (i, j)) in enumerate(
                zip(result.triplets, result.pairs, strict=True)
            )
        ]


def make_gallery(
    args: Namespace, samples: Sequence[dict], out_dir: Path
) -> Gallery:
    """Make what draws, with names and visualizer of the config."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    meta = dataset_meta(cfg)  # sets the scope that the visualizer is of
    visualizer = build_visualizer(cfg)
    visualizer.dataset_meta = meta
    return Gallery(samples, visualizer, out_dir, args.topk)


def check_names(results: Sequence[ImageResult], meta: dict) -> None:
    """See that all classes and predicates have a name."""
    triplets = np.concatenate([result.triplets for result in results])
    for kind, labels in (
        ('classes', triplets[:, :2]),
        ('predicates', triplets[:, 2]),
    ):
        if labels.max() >= len(meta[kind]):
            raise ValueError(
                f'there are at least {labels.max() + 1} {kind}, but the data '
                f'set of the config has {len(meta[kind])}'
            )


def draw_cards(
    gallery: Gallery, best: Sequence[ImageResult], worst: Sequence[ImageResult]
) -> dict[str, list[Card]]:
    """Draw the images; those that do not load are named.

    Raises:
        ValueError: If none does.
    """
    jobs = [('best', i, one) for i, one in enumerate(best, start=1)]
    jobs += [('worst', i, one) for i, one in enumerate(worst, start=1)]
    cards: dict[str, list[Card]] = dict(best=[], worst=[])
    missing = []
    for kind, number, result in track_iter_progress(jobs):
        card = gallery.card(result, f'{kind}_{number:02d}')
        if card is None:
            missing.append(gallery.samples[result.index].get('img_path'))
        else:
            cards[kind].append(card)
    if missing:
        where = (
            f'{len(missing)} of {len(jobs)} images do not load, such as '
            f'{missing[0]}'
        )
        if len(missing) == len(jobs):
            raise ValueError(f'{where}; call from where the test ran')
        print(where)
    return cards


def write_gallery(args: Namespace, samples: Sequence[dict]) -> None:
    """Choose the images, draw them and write the page.

    Args:
        args: Of :func:`parse_args`.
        samples: Of the result file.

    Raises:
        ValueError: Where the file holds too little for the largest K or no
            image with relations, the config is of other data, or no image
            is there.
    """
    check_topk(samples, args.topk)
    results = image_results(samples, max(args.topk))
    if not results:
        raise ValueError('no image has a relation')
    out_dir = Path(args.out_dir)
    gallery = make_gallery(args, samples, out_dir)
    check_names(results, gallery.visualizer.dataset_meta)
    k = args.topk[0]
    cards = draw_cards(gallery, *best_and_worst(results, k, args.num))
    sections = [(f'{kind.title()} by R@{k}', cards[kind]) for kind in cards]
    title = Path(args.results).name
    page = gallery_page(title, summary(results, args.topk), sections)
    (out_dir / 'index.html').write_text(page, encoding='utf-8')
    print(f'wrote {out_dir / "index.html"}')


def summary(results: Sequence[ImageResult], topk: Sequence[int]) -> str:
    """Say in a line how good all images are."""
    means = [np.mean([result.recall(k) for result in results]) for k in topk]
    recalls = ', '.join(
        f'R@{k} {mean:.4f}' for k, mean in zip(topk, means, strict=True)
    )
    return f'{counted(len(results), "image")} with relations: {recalls}'


def main(argv: Sequence[str] | None = None) -> None:
    """Read the file and make the page."""
    args = parse_args(argv)
    with stop_naming(args.results):
        write_gallery(args, read_samples(args.results))


if __name__ == '__main__':
    main()
