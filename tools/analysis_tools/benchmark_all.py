"""Time what matters before and after a change, side by side.

The earlier commit is checked out into a temporary folder. The same
measurements run in turn in both trees, each in a process of its own, on
random data and weights; ratios are of the medians over the rounds.

Example:
    python tools/analysis_tools/benchmark_all.py v0.1 --rounds 5
"""

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from inspect import signature
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OBJECTS = 64


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('before', nargs='?', default='HEAD~1', help='commit to compare with')
    add('--rounds', type=int, default=5, help='of both trees in turn')
    add(
        '--cases',
        nargs='+',
        choices=CASES,
        default=[*CASES],
        metavar='CASE',
        help=f'of {", ".join(CASES)}',
    )
    add('--threads', type=int, default=1, help='of each process')
    add('--measure', choices=CASES, metavar='CASE', help='only this, here')
    return parser.parse_args(argv)


def seconds(
    run: Callable[[], object],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """The shortest of some runs, after one that warms up.

    By default seconds that the cores worked, which another program on them
    does not stretch; with several threads that is their sum.
    """
    run()
    times = []
    for _ in range(repeats):
        start = clock()
        run()
        times.append(clock() - start)
    return min(times)


def time_help() -> float:
    """``tools/train.py --help``."""
    command = [sys.executable, 'tools/train.py', '--help']
    return seconds(
        lambda: subprocess.run(command, check=True, capture_output=True),
        3,
        time.perf_counter,
    )


def linknet_on_objects(**options: Any) -> tuple[Any, Any]:
    """LinkNet's head at full width, and 64 random objects of an image.

    Args:
        options: Of the head that differ.
    """
    import torch
    from mmengine.config import Config
    from mmengine.structures import InstanceData

    from mmsgg.registry import MODELS

    torch.manual_seed(0)
    cfg = Config.fromfile('configs/linknet/sgdet.py')
    head = MODELS.build(dict(cfg.model.relation_head, **options)).eval()
    corners = torch.rand(OBJECTS, 2) * 400
    objects = InstanceData(
        bboxes=torch.cat(
            [corners, corners + 30 + torch.rand(OBJECTS, 2) * 160], 1
        ),
        logits=torch.randn(OBJECTS, head.num_classes + 1) * 4,
        metainfo=dict(img_shape=(592, 592)),
    )
    return head, objects


def predict_seconds(head: Any, objects: Any, **limits: int) -> float:
    """How long the head takes for the graph of an image of 592 pixels."""
    import torch

    x = (torch.randn(1, 512, 37, 37),)
    metas = [dict(scale_factor=(1.0, 1.0), img_shape=(592, 592))]
    with torch.no_grad():
        return seconds(lambda: head.predict(x, [objects], metas, **limits), 3)


def time_predict() -> float:
    """LinkNet's head at full width on 64 detections, all pairs."""
    import torch

    head, objects = linknet_on_objects()
    moved = torch.rand(OBJECTS, head.num_classes, 4) * 4
    objects.class_bboxes = objects.bboxes[:, None] + moved
    return predict_seconds(head, objects)


def time_best_100() -> float:
    """The same head, where only the 100 best of 4032 triplets are wanted.

    Objects score as beta(.5, 1.5), .25 in the mean, as assumed of a detector
    that keeps what it doubts; the best predicate of a pair is about as
    probable as VRD's frequencies say (1 % in the median, 54 % of one pair in
    a hundred). How many pairs can be left out depends on both.
    """
    import numpy as np
    import torch

    head, objects = linknet_on_objects(overlap_only=False)
    table = head.frequency_bias.table.weight.data
    table.fill_(-20)
    table[:, 0].normal_(-4.5, 2)
    table[:, -1] = 0
    objects.labels = torch.randint(head.num_classes, (OBJECTS,))
    scores = np.random.default_rng(0).beta(0.5, 1.5, OBJECTS)
    objects.scores = torch.from_numpy(scores).float()
    limits = {}
    if 'max_triplets' in signature(head.predict).parameters:
        limits = dict(max_triplets=100)
    return predict_seconds(head, objects, **limits)


def time_toy_step() -> float:
    """A training step of the toy LinkNet, 8 images, the optimizer's too."""
    import torch
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import init_default_scope
    from mmengine.structures import InstanceData

    from mmsgg.registry import HOOKS, MODELS
    from mmsgg.structures import SGDataSample

    torch.manual_seed(0)
    init_default_scope('mmsgg')
    cfg = Config.fromfile('configs/toy/sgcls.py')
    model = MODELS.build(cfg.model).train()
    if 'speed' in cfg.default_hooks:
        HOOKS.build(cfg.default_hooks.speed).apply(model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    samples, images = [], []
    for _ in range(8):
        corners = torch.rand(6, 2) * 70
        sample = SGDataSample(
            metainfo=dict(
                img_shape=(128, 128),
                ori_shape=(128, 128),
                scale_factor=(1.0, 1.0),
            ),
            gt_instances=InstanceData(
                bboxes=torch.cat([corners, corners + 20], 1),
                labels=torch.randint(model.relation_head.num_classes, (6,)),
            ),
            gt_relations=InstanceData(
                pairs=torch.tensor([[0, 1], [2, 3], [4, 5]]),
                labels=torch.randint(model.relation_head.num_predicates, (3,)),
            ),
        )
        samples.append(sample)
        images.append(torch.randint(256, (3, 128, 128), dtype=torch.uint8))
    data = dict(inputs=images, data_samples=samples)
    return seconds(lambda: model.train_step(data, wrapper), 10)


def time_metric() -> float:
    """The six recalls of an image with 64 detections."""
    import numpy as np

    # that of the tree, which is not the folder of this script
    sys.path.insert(0, str(Path('tools/analysis_tools').resolve()))
    from benchmark_evaluation import parse_args, samples
    from mmsgg.evaluation import SceneGraphMetric

    rng = np.random.default_rng(0)
    graphs = list(islice(samples(parse_args([]), rng), 50))
    metric = SceneGraphMetric(
        metrics=('R', 'ng-R', 'mR', 'ng-mR', 'zR', 'ng-zR'),
        zero_shot_triplets=np.zeros((1, 3), dtype=np.int64),
    )
    metric.dataset_meta = dict(predicates=[str(p) for p in range(50)])
    return seconds(lambda: metric.process({}, graphs), 5) / len(graphs)


CASES: dict[str, Callable[[], float]] = {
    'help': time_help,
    'predict': time_predict,
    'best-100': time_best_100,
    'toy-step': time_toy_step,
    'metric': time_metric,
}


def measure_in(tree: Path, case: str, threads: int) -> float:
    """Run one measurement with the code of a tree."""
    done = subprocess.run(
        [sys.executable, __file__, '--measure', case],
        cwd=tree,
        env=dict(
            os.environ,
            PYTHONPATH=str(tree),
            OMP_NUM_THREADS=str(threads),
            OMP_WAIT_POLICY='PASSIVE',
        ),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f'{case} fails in {tree}:\n{done.stderr[-2000:]}')
    return float(done.stdout.split()[-1])


def compare(before: Path, args: Namespace) -> None:
    """Measure all cases in both trees in turn, and print their ratios."""
    trees = dict(before=before, after=ROOT)
    print(f'{"":10} {"before":>10} {"after":>10} {"ratio":>7}')
    for case in args.cases:
        times: dict[str, list[float]] = dict(before=[], after=[])
        for turn in range(args.rounds):
            names = sorted(trees, reverse=turn % 2 == 0)
            for name in names:
                times[name].append(measure_in(trees[name], case, args.threads))
        old, new = (median(times[name]) for name in trees)
        print(
            f'{case:10} {old * 1e3:7.2f} ms {new * 1e3:7.2f} ms '
            f'{old / new:7.2f}',
            flush=True,
        )


def main() -> None:
    """Measure here, or check the earlier commit out and compare."""
    args = parse_args()
    if args.measure:
        print(CASES[args.measure]())
        return
    git = ['git', '-C', str(ROOT)]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / 'before'
        subprocess.run(
            [*git, 'worktree', 'add', '--detach', str(tree), args.before],
            check=True,
            capture_output=True,
        )
        try:
            compare(tree, args)
        finally:
            subprocess.run(
                [*git, 'worktree', 'remove', '--force', str(tree)], check=True
            )


if __name__ == '__main__':
    main()
