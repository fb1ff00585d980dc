"""Time and memory of the scene graph metric at the size of VG150's test set.

Random images are made one at a time: detections with every pair of them and
a probability for every predicate of each pair. Only the metric is timed. On
a few images a plain implementation, which sorts all candidates and compares
them one by one, is run beside it and must give the same numbers. With
``--protocols`` each named protocol is timed with its own metrics instead; of
those that compare masks, ellipses within the boxes, and the time of coding
them is counted.

Examples:
    OMP_NUM_THREADS=1 python tools/analysis_tools/benchmark_evaluation.py
    OMP_NUM_THREADS=1 python tools/analysis_tools/benchmark_evaluation.py \
        --protocols --images 200
"""

import sys
import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.utils import track_iter_progress

from mmsgg.evaluation import SceneGraphMetric
from mmsgg.evaluation.functional import PROTOCOLS, encode_masks
from process_memory import process_memory

SUITE = (
    'R', 'ng-R', 'mR', 'ng-mR', 'F', 'ng-F', 'zR', 'ng-zR', 'phr-R',
    'ng-phr-R', 'pooled-R', 'pooled-phr-R',
)  # fmt: skip
TOPK = (20, 50, 100)
SIDE = 592  # pixels of a picture
Triplets = list[tuple[int, int, int]]


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('--images', type=int, default=26446, help='as many as VG150 tests')
    add('--detections', type=int, default=64, help='objects of an image')
    add('--classes', type=int, default=150, help='of the objects')
    add('--predicates', type=int, default=50, help='of the relations')
    add('--relations', type=int, default=7, help='annotated ones, on average')
    add('--slow-images', type=int, default=20, help='to compare with')
    add('--seed', type=int, default=0, help='of the random numbers')
    add('--protocols', action='store_true', help='time each named protocol')
    return parser.parse_args(argv)


def boxes_of(rng: np.random.Generator, n: int) -> np.ndarray:
    """Random boxes (n, 4) in pixels."""
    corners = rng.uniform(0, SIDE * 0.7, (n, 2))
    sides = rng.uniform(16, SIDE * 0.3, (n, 2))
    return np.concatenate([corners, corners + sides], 1).astype(np.float32)


def samples(args: Namespace, rng: np.random.Generator) -> Iterator[dict]:
    """Make images; a third of the detections lie on annotated objects."""
    n, p = args.detections, args.predicates
    num_true = min(n, max(2, n // 3))
    pairs = np.argwhere(~np.eye(n, dtype=bool))  # (K, 2)
    while True:
        boxes, labels = boxes_of(rng, n), rng.integers(0, args.classes, n)
        true = rng.permutation(n)[:num_true]
        related = rng.permutation(np.argwhere(~np.eye(num_true, dtype=bool)))
        related = related[: rng.integers(args.relations * 2 + 1)]  # (R, 2)
        predicates = rng.integers(0, p, len(related))
        scores = rng.random(n, dtype=np.float32)
        logits = rng.random((len(pairs), p), dtype=np.float32) ** 4
        subjects, objects = true[related].T
        rows = subjects * (n - 1) + objects - (objects > subjects)
        logits[rows, predicates] += rng.choice([0, 8], len(rows))  # some found
        logits /= logits.sum(1, keepdims=True)
        best = scores[pairs].prod(1) * logits.max(1, initial=0)
        yield dict(
            gt_instances=dict(
                bboxes=boxes[true] + np.float32(1), labels=labels[true]
            ),
            gt_relations=dict(pairs=related, labels=predicates),
            pred_instances=dict(bboxes=boxes, labels=labels, scores=scores),
            pred_relations=dict(
                pairs=pairs, predicate_scores=logits, scores=best
            ),
        )


class Clock:
    """Sums up the seconds that pass, and those that this process works."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        wall, cpu = self._start
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


def slow_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Overlap of two boxes in the +1 pixel convention."""
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.0
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return w * h / (sum(areas) - w * h)


def slow_triplets(sample: dict) -> tuple[Triplets, Triplets]:
    """The triplets in order, with and without graph constraint."""
    relations = sample['pred_relations']
    pairs, table = relations['pairs'], relations['predicate_scores']
    subjects, objects = pairs.T
    order = np.argsort(-relations['scores'], kind='stable')
    best = table.argmax(1)
    constrained = [(*pairs[row].tolist(), int(best[row])) for row in order]
    scores = sample['pred_instances']['scores']
    products = (scores[subjects] * scores[objects])[:, None] * table
    order = np.argsort(-products, axis=None, kind='stable')
    rows, predicates = np.unravel_index(order, products.shape)
    top = zip(rows[: max(TOPK)], predicates[: max(TOPK)], strict=True)
    return constrained, [(*pairs[r].tolist(), int(p)) for r, p in top]


def slow_recall(sample: dict, triplets: Triplets) -> list[float]:
    """R@K of one image for each K."""
    gt, pred = sample['gt_instances'], sample['pred_instances']
    boxes, gt_boxes = pred['bboxes'].tolist(), gt['bboxes'].tolist()
    rows = sample['gt_relations']['pairs'].tolist()
    labels = sample['gt_relations']['labels'].tolist()
    recalls = []
    for k in TOPK:
        hits = set()
        for s, o, predicate in triplets[:k]:
            for row, (gt_s, gt_o) in enumerate(rows):
                if (
                    predicate == labels[row]
                    and pred['labels'][s] == gt['labels'][gt_s]
                    and pred['labels'][o] == gt['labels'][gt_o]
                    and slow_iou(boxes[s], gt_boxes[gt_s]) >= 0.5
                    and slow_iou(boxes[o], gt_boxes[gt_o]) >= 0.5
                ):
                    hits.add(row)
        recalls.append(len(hits) / len(rows))
    return recalls


def compare(args: Namespace, data: Iterator[dict]) -> None:
    """Print how much faster R and ng-R are than the plain way."""
    metric = SceneGraphMetric(('R', 'ng-R'), topk=TOPK)
    fast, slow, kept, recalls = Clock(), Clock(), [], []
    while len(kept) < args.slow_images:
        sample = next(data)
        if len(sample['gt_relations']['labels']):
            kept.append(sample)
    for sample in kept:
        with fast:
            metric.process(None, [sample])
        with slow:
            triplets = slow_triplets(sample)
            recalls.append([slow_recall(sample, t) for t in triplets])
    results = metric.evaluate(len(kept))
    expected = np.mean(recalls, axis=0)  # (2, 3)
    got = [[results[f'{name}@{k}'] for k in TOPK] for name in ('R', 'ng-R')]
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    per_image = 1000 / len(kept)
    print(
        f'R, ng-R on {len(kept)} images: {fast.cpu * per_image:.2f} ms an '
        f'image, plain loops {slow.cpu * per_image:.2f} ms, ratio '
        f'{slow.cpu / fast.cpu:.1f} (on a core); equal numbers'
    )


def ellipses(boxes: np.ndarray) -> np.ndarray:
    """Masks (n, SIDE, SIDE) bool of the ellipses within boxes (n, 4)."""
    y, x = np.ogrid[:SIDE, :SIDE]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]) / 2
    return np.array(
        [
            ((x - cx) / w) ** 2 + ((y - cy) / h) ** 2 <= 1
            for (cx, cy), (w, h) in zip(centres, halves, strict=True)
        ]
    )


def with_masks(sample: dict, coded: bool) -> dict:
    """The sample with masks of its objects, as run-length codes or arrays."""
    sample = dict(sample)
    for field in ('gt_instances', 'pred_instances'):
        masks = ellipses(sample[field]['bboxes'])
        masks = encode_masks(masks) if coded else masks
        sample[field] = dict(sample[field], masks=masks)
    return sample


def time_protocols(args: Namespace, data: Iterator[dict]) -> None:
    """Print the time of each protocol, with its own metrics."""
    kept = [next(data) for _ in range(args.images)]
    for name, protocol in PROTOCOLS.items():
        masks = protocol.rules.masks
        for form in ('masks', 'coded masks') if masks else ('boxes',):
            metric, clock = SceneGraphMetric(protocol=name), Clock()
            for number, sample in enumerate([kept[0], *kept]):
                if masks:
                    sample = with_masks(sample, form == 'coded masks')
                if number == 1:  # what is made once does not count
                    metric.results.clear()
                    clock = Clock()
                with clock:
                    metric.process(None, [sample])
            with clock:
                metric.evaluate(args.images)
            per_image = 1000 * clock.cpu / args.images
            print(f'{name}, {form}: {per_image:.2f} ms an image, on a core')


def main(argv: Sequence[str] | None = None) -> None:
    """Run the whole suite of metrics and print what it took."""
    args = parse_args(argv)
    rng = np.random.default_rng(args.seed)
    data = samples(args, rng)
    if args.protocols:
        time_protocols(args, data)
        return
    if args.slow_images:
        compare(args, data)
    zero_shot = np.column_stack(
        [
            rng.integers(0, args.classes, (2000, 2)),
            rng.integers(0, args.predicates, 2000),
        ]
    )
    metric = SceneGraphMetric(SUITE, TOPK, zero_shot_triplets=zero_shot)
    metric.process(None, [next(data)])  # what is made once
    metric.results.clear()
    before, clock = process_memory('VmRSS'), Clock()
    for _ in track_iter_progress(range(args.images), file=sys.stderr):
        sample = next(data)
        with clock:
            metric.process(None, [sample])
    growth = process_memory('VmRSS') - before
    match = clock.wall
    with clock:
        results = metric.evaluate(args.images)
    num_pairs = args.detections * (args.detections - 1)
    per_image = 1000 / args.images
    print(
        f'{args.images} images, {args.detections} detections, {num_pairs} '
        f'pairs x {args.predicates} predicates, {len(SUITE)} metrics\n'
        f'{clock.wall * per_image:.2f} ms an image, '
        f'{clock.cpu * per_image:.2f} ms of them on a core; '
        f'{clock.wall - match:.1f} s in all for the means at the end\n'
        f'resident memory grew by {growth:.0f} MB while matching, by '
        f'{process_memory("VmRSS") - before:.0f} MB in all\n'
        f'R@100 {results["R@100"]:.4f}, ng-R@100 {results["ng-R@100"]:.4f}'
    )


if __name__ == '__main__':
    main()
