"""Train sgdet on a detector that gets a share of the classes wrong.

The detector of the toy set makes hardly an error, so that it hides how
training bears them. Here the scores of the likeliest class and of another one
are exchanged on a share of the detections, drawn at random in each step.
Tests see the detector as it is.

Example:
    python tools/analysis_tools/benchmark_class_errors.py \
        configs/toy/sgdet.py --metrics R@20 mR@20 \
        --cfg-options load_from=SGCLS.pth train_dataloader.dataset.indices=900
"""

import argparse
import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmsgg.engine import config_file
from mmsgg.models import SceneGraphDetector
from mmsgg.models.object_sources import Found
from mmsgg.registry import MODELS
from repeated_runs import (
    add_repeat_arguments,
    config_with_options,
    print_scores,
    repeat,
)


def exchange_classes(logits: Tensor, share: float) -> Tensor:
    """Exchange the likeliest class with a random one in a share of rows.

    Args:
        logits: (N, C + 1) class logits, background last.
        share: Probability that a row is changed.

    Returns:
        (N, C + 1), as a copy.
    """
    num_classes = logits.shape[1] - 1
    rows = (torch.rand(len(logits), device=logits.device) < share).nonzero()
    step = torch.randint(1, num_classes, rows.shape, device=logits.device)
    best = logits[rows[:, 0], :-1].argmax(dim=1, keepdim=True)
    other = (best + step) % num_classes
    exchanged = logits.clone()
    exchanged[rows, best] = logits[rows, other]
    exchanged[rows, other] = logits[rows, best]
    return exchanged


@MODELS.register_module()
class ErringSceneGraphDetector(SceneGraphDetector):
    """Gets a share of the classes wrong while the relation head is trained.

    Args:
        share: Probability that a detection gets a wrong class.
        kwargs: As of :class:`SceneGraphDetector`.
    """

    def __init__(self, *, share: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.share = share

    def find(self, *args: Any) -> Found:
        """See the base class."""
        found = super().find(*args)
        if self.training:
            for image in found.objects:
                image.logits = exchange_classes(image.logits, self.share)
        return found


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('config', type=config_file, help='an sgdet config')
    parser.add_argument(
        '--shares',
        type=float,
        nargs='+',
        default=[0.35],
        help='of wrong classes',
    )
    add_repeat_arguments(parser, 'work_dirs/class_errors')
    parser.set_defaults(metrics=['R@20', 'mR@20'])
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train and test with each share, and print the table."""
    args = parse_args(argv)
    cfg = config_with_options(args.config, args)
    methods = {}
    for share in args.shares:
        erring = copy.deepcopy(cfg)
        erring.model.update(type='ErringSceneGraphDetector', share=share)
        title = f'{share:.0%} wrong'
        folder = args.work_dir / f'{share:g}'
        methods[title] = repeat(
            title, erring, {'': erring}, args.seeds, folder
        )
    print_scores(methods, args, head='classes in training')


if __name__ == '__main__':
    main()
