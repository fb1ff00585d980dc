"""What the weights of a detector are to the relation stage above it."""

import logging
import re
from collections.abc import Mapping

from mmengine.logging import print_log
from torch import Tensor

# In a detector, and in a branch of the relation head (FC67Head, Res5Head). Of
# a cascade the last stage wins: it has seen the most exact boxes.
BRANCH_SOURCES = (
    (r'roi_head\.bbox_head\.(\d+\.)?fc67\.', ''),
    (r'roi_head\.bbox_head\.(\d+\.)?shared_fcs\.0\.', '0.'),
    (r'roi_head\.bbox_head\.(\d+\.)?shared_fcs\.1\.', '3.'),
    (r'roi_head\.shared_head\.', ''),
)
BRANCHES = ('features.object_head', 'features.union_head')


def branch_weights(
    detector: Mapping[str, Tensor], head: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Find what the branches of a relation head can start from.

    Args:
        detector: Weights of a detector, under mmdet's names.
        head: Weights of the relation head; names and shapes count.

    Returns:
        Those of the detector's region branch that fit, under their names in
        the relation head.
    """
    weights = {}
    for key, value in detector.items():
        for source, target in BRANCH_SOURCES:
            name, found = re.subn(f'^{source}', target, key)
            if not found:
                continue
            for branch in BRANCHES:
                own = head.get(f'{branch}.{name}')
                if own is not None and own.shape == value.shape:
                    weights[f'{branch}.{name}'] = value
    return weights


def check_frozen_weights(
    checkpoint: Mapping[str, Tensor], frozen: Mapping[str, Tensor]
) -> None:
    """Refuse a checkpoint that leaves a frozen detector partly random.

    Args:
        checkpoint: Weights about to be loaded. One that holds nothing of a
            detector passes.
        frozen: Weights of the detector; names and shapes count.

    Raises:
        ValueError: If a weight is missing or has another shape, naming the
            first ones.
    """
    if frozen.keys().isdisjoint(checkpoint):
        print_log(
            'The checkpoint holds nothing of the detector, which is frozen: '
            'it stays as it starts, at random unless its init_cfg loads it',
            logger='current',
            level=logging.WARNING,
        )
        return
    faults = []
    for name, value in frozen.items():
        shape = tuple(value.shape)
        if name not in checkpoint:
            if not name.endswith('num_batches_tracked'):
                faults.append(f'{name} {shape} is not in it')
        elif checkpoint[name].shape != value.shape:
            other = tuple(checkpoint[name].shape)
            faults.append(f'{name} is {other} in it, {shape} here')
    if faults:
        more = f'; and {len(faults) - 4} more' if len(faults) > 4 else ''
        raise ValueError(
            'The detector of the checkpoint is another one than the '
            f'config has: {"; ".join(faults[:4])}{more}. The detector is '
            'frozen, so these would stay random. Load one that was trained '
            'with these classes and this backbone (configs/detection), or '
            'fix num_classes and the detector in the config'
        )
