"""Which weight of Scene-Graph-Benchmark is which of ours: a table a method.

Background is the first class and the first predicate there, and the last one
here. Names of rules are beginnings of names of weights.
"""

from collections.abc import Callable
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor


def _all_kept(values: Tensor) -> Tensor | None:
    """Leave nothing out."""
    return None


class Operation(NamedTuple):
    """What happens to the values of a weight.

    ``backward`` undoes ``forward``: it gets the values, and of a weight of
    which ``forward`` left a part out that part, as ``rest`` gave it, or None;
    it returns the values there, and whether they are whole.
    """

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor | None], tuple[Tensor, bool]]
    rest: Callable[[Tensor], Tensor | None] = _all_kept


class Rule(NamedTuple):
    """A weight and its name there and here."""

    there: str
    here: str
    operation: Operation


class Unused(NamedTuple):
    """A weight that nothing reads, kept for the way back."""

    there: str
    why: str


class Duplicate(NamedTuple):
    """A weight that is there twice, under another name."""

    there: str
    of: str


class Kind(NamedTuple):
    """What checkpoints of one kind hold beside their detector.

    Attributes:
        config: Of the model that holds the weights, below ``configs/``.
        signs: Weights of the predictor by which the kind is told.
        rules: From names there to names in our relation head.
    """

    config: str
    signs: tuple[str, ...]
    rules: tuple[Rule, ...]
    unused: tuple[Unused, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()


def _pairs(values: Tensor) -> Tensor:
    """View the rows (C^2, ...) of pairs of classes as (C, C, ...)."""
    return values.unflatten(0, (isqrt(len(values)), -1))


def _roll_pairs(values: Tensor, step: int) -> Tensor:
    """Roll both classes, and the predicates, of a table (C^2, P)."""
    return _pairs(values).roll([step] * 3, dims=(0, 1, 2)).flatten(0, 1)


def _roll_both(values: Tensor, step: int) -> Tensor:
    """Roll both classes of a vector (..., C^2)."""
    size = isqrt(values.shape[-1])
    pairs = values.unflatten(-1, (size, -1))
    return pairs.roll([step] * 2, dims=(-2, -1)).flatten(-2)


def _with_background_box(
    values: Tensor, background: Tensor | None
) -> tuple[Tensor, bool]:
    """Put the four rows of background before those of the classes."""
    rows = torch.zeros_like(values[:4]) if background is None else background
    return torch.cat([rows, values]), background is not None


KEEP = Operation(lambda v: v, lambda v, _: (v, True))
#: Background, the first row, becomes the last one.
ROLL = Operation(
    lambda v: v.roll(-1, dims=0), lambda v, _: (v.roll(1, dims=0), True)
)
#: A table with a row for each two classes and a column for each predicate.
ROLL_PAIRS = Operation(
    lambda v: _roll_pairs(v, -1), lambda v, _: (_roll_pairs(v, 1), True)
)
#: A vector, or rows, with a value for each two classes.
ROLL_BOTH = Operation(
    lambda v: _roll_both(v, -1), lambda v, _: (_roll_both(v, 1), True)
)
#: The box of background is left out.
DROP_BACKGROUND_BOX = Operation(
    lambda v: v[4:].clone(), _with_background_box, lambda v: v[:4].clone()
)

_BOX = 'roi_heads.box.'
_BBOX_HEAD = 'roi_head.bbox_head.'
DETECTOR = Kind(
    config='sgb/faster-rcnn_x101-32x8d_fpn.py',
    signs=(),
    rules=(
        Rule('backbone.body.stem.conv1.', 'backbone.conv1.', KEEP),
        Rule('backbone.body.stem.bn1.', 'backbone.bn1.', KEEP),
        Rule('backbone.body.layer', 'backbone.layer', KEEP),
        *(
            Rule(f'backbone.fpn.fpn_{there}{i + 1}.', f'neck.{here}.{i}.conv.',
                 KEEP)
            for there, here in (
                ('inner', 'lateral_convs'), ('layer', 'fpn_convs')
            )
            for i in range(4)
        ),
        Rule('rpn.head.conv.', 'rpn_head.rpn_conv.', KEEP),
        Rule('rpn.head.cls_logits.', 'rpn_head.rpn_cls.', KEEP),
        Rule('rpn.head.bbox_pred.', 'rpn_head.rpn_reg.', KEEP),
        Rule(f'{_BOX}feature_extractor.fc6.', f'{_BBOX_HEAD}shared_fcs.0.',
             KEEP),
        Rule(f'{_BOX}feature_extractor.fc7.', f'{_BBOX_HEAD}shared_fcs.1.',
             KEEP),
        Rule(f'{_BOX}predictor.cls_score.', f'{_BBOX_HEAD}fc_cls.', ROLL),
        Rule(f'{_BOX}predictor.bbox_pred.', f'{_BBOX_HEAD}fc_reg.',
             DROP_BACKGROUND_BOX),
    ),
    unused=(
        Unused('rpn.anchor_generator.cell_anchors.',
               'equal to those of the config'),
    ),
)  # fmt: skip

KINDS = dict(detector=DETECTOR)
