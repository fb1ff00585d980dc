"""Weights of linknet-pytorch and neural-motifs under our names.

A rule is (prefix there, prefix here, what happens to the values). Background
is the first class there and the last one here, where it has a row at all.
docs/checkpoints.md has the table in words.
"""

from collections.abc import Callable, Iterable
from math import isqrt
from typing import NamedTuple

from torch import Tensor

from conversion import count_batches

Rule = tuple[str, str, Callable[[Tensor], Tensor]]


class ConvertedWeights(NamedTuple):
    """What :func:`convert_linknet_pytorch` makes of a checkpoint."""

    state_dict: dict[str, Tensor]  # by our names
    sources: dict[str, str]  # the name there of each of our names
    anchors: Tensor | None  # (H, W, A, 4) of the RPN, input-image pixels
    unused: list[str]  # names there that nothing here stands for


def keep(values: Tensor) -> Tensor:
    """Take the values as they are."""
    return values


def background_last(values: Tensor) -> Tensor:
    """Move the first row to the end."""
    return values.roll(-1, dims=0)


def without_background(values: Tensor) -> Tensor:
    """Drop the first row."""
    return values[1:].clone()


def without_background_box(values: Tensor) -> Tensor:
    """Drop the box of background, the first four rows."""
    _demand_rows_of(4, values)
    return values[4:].clone()


def objectness(values: Tensor) -> Tensor:
    """Make one logit of two: the sigmoid is what the softmax was.

    Args:
        values: (6 A, ...) rows of a weight or bias; for each anchor
            background, object, dx, dy, dw, dh.

    Returns:
        (A, ...) rows.
    """
    _demand_rows_of(6, values)
    background, thing = values.unflatten(0, (-1, 6))[:, :2].unbind(1)
    return thing - background


def box_deltas(values: Tensor) -> Tensor:
    """Take the (4 A, ...) rows of the deltas out of those of the RPN."""
    _demand_rows_of(6, values)
    return values.unflatten(0, (-1, 6))[:, 2:].flatten(0, 1)


def frequency_table(values: Tensor) -> Tensor:
    """Drop pairs with background and move unrelated last.

    Args:
        values: ((C + 1)^2, P + 1), row = subject class * (C + 1) + object
            class.

    Returns:
        (C^2, P + 1), row = subject class * C + object class.
    """
    size = isqrt(len(values))
    if size**2 != len(values):
        raise ValueError(
            f'has {len(values)} rows, which is no number of pairs of classes'
        )
    table = values.unflatten(0, (size, size))[1:, 1:]
    return table.flatten(0, 1).roll(-1, dims=1)


def _demand_rows_of(step: int, values: Tensor) -> None:
    if len(values) % step:
        raise ValueError(
            f'has shape {tuple(values.shape)}, whose rows do not come in '
            f'groups of {step}'
        )


DETECTOR: tuple[Rule, ...] = (
    ('features.', 'backbone.features.', keep),
    ('rpn_head.conv.0.', 'rpn_head.rpn_conv.', keep),
    ('rpn_head.conv.2.', 'rpn_head.rpn_cls.', objectness),
    ('rpn_head.conv.2.', 'rpn_head.rpn_reg.', box_deltas),
    ('roi_fmap.', 'roi_head.bbox_head.fc67.', keep),
    ('score_fc.', 'roi_head.bbox_head.fc_cls.', background_last),
    ('bbox_fc.', 'roi_head.bbox_head.fc_reg.', without_background_box),
)
RELATION_HEAD: tuple[Rule, ...] = (
    ('context.obj_embed.', 'object_embedding.', background_last),
    ('context.obj_embed2.', 'edge_embedding.', without_background),
    ('context.RE1.', 'object_blocks.0.', keep),
    ('context.RE2.fc1.', 'object_blocks.1.fc1.', background_last),
    ('context.RE2.', 'object_blocks.1.', keep),
    ('context.RE3.', 'edge_blocks.0.', keep),
    ('context.RE4.', 'edge_blocks.1.', keep),
    ('roi_fmap_obj.', 'features.object_head.', keep),
    ('roi_fmap.1.', 'features.union_head.', keep),
    (
        'union_boxes.conv.',
        'features.union_roi_extractor.drawing.',
        keep,
    ),
    ('GCE.multi_score_fc.', 'global_context.classifier.', background_last),
    ('pos_embed.0.', 'geometric_layout.norm.', keep),
    ('pos_embed.1.', 'geometric_layout.fc.', keep),
    ('rel_compress.', 'predicate_fc.', background_last),
    ('freq_bias.obj_baseline.', 'frequency_bias.table.', frequency_table),
)
ANCHORS = 'rpn_head.anchors'


def convert_linknet_pytorch(state_dict: dict[str, Tensor]) -> ConvertedWeights:
    """Rename the weights and move background last.

    Sizes are those of the checkpoint, whatever they are.

    Args:
        state_dict: Of a detector (``features.*``), of a relation model
            (``context.*``, its detector under ``detector.*``), or of the
            latter without the detector.

    Raises:
        ValueError: If values cannot be what their name says.
    """
    is_relation_model = any(key.startswith('context.') for key in state_dict)
    prefix = 'detector.' if is_relation_model else ''
    # mmdet's own names, below the model's where there is a relation head
    rules = [
        (prefix + there, prefix + here, do) for there, here, do in DETECTOR
    ]
    if is_relation_model:
        rules += [
            (there, f'relation_head.{here}', do)
            for there, here, do in RELATION_HEAD
        ]
    out, sources, unused = {}, {}, []
    for key, values in state_dict.items():
        names = _convert_one(key, values, rules)
        out.update(names)
        sources.update(dict.fromkeys(names, key))
        if not names and key != prefix + ANCHORS:
            unused.append(key)
    anchors = state_dict.get(prefix + ANCHORS)
    count_batches(out, sources)
    return ConvertedWeights(out, sources, anchors, unused)


def _convert_one(
    key: str, values: Tensor, rules: Iterable[Rule]
) -> dict[str, Tensor]:
    """Apply the rules of the longest prefix that fits."""
    fitting = [rule for rule in rules if key.startswith(rule[0])]
    longest = max((len(there) for there, _, _ in fitting), default=0)
    try:
        return {
            here + key.removeprefix(there): do(values)
            for there, here, do in fitting
            if len(there) == longest
        }
    except ValueError as error:
        raise ValueError(f'{key} {error}') from None
