r"""Convert a checkpoint of Scene-Graph-Benchmark or PE-Net, or one back.

What becomes of each weight stands in docs/checkpoints.md.

Examples:
    python tools/model_converters/sgb_to_mmsgg.py \
        model_final.pth checkpoints/sgb_faster-rcnn.pth
    python tools/model_converters/sgb_to_mmsgg.py --reverse \
        checkpoints/sgb_faster-rcnn.pth model_final.pth
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import TASK_UTILS
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor

from conversion import (
    check_weights,
    convert_file,
    converter_parser,
    names_of,
    state_dict_of,
)
from sgb_rules import KINDS
from sgb_weights import convert, entries_of, kind_of, longest, revert

CONFIGS = Path(__file__).parents[2] / 'configs'
#: Where a converted file says what it was, and keeps what has no place.
SOURCE = 'scene_graph_benchmark'
ANCHORS = 'rpn.anchor_generator.cell_anchors.'
WRAPPER = 'module.'


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = converter_parser(
        __doc__,
        '; by default that of the kind of checkpoint, at the sizes of VG150',
    )
    parser.add_argument(
        '--reverse',
        action='store_true',
        help='from a checkpoint of mmsgg to one of Scene-Graph-Benchmark',
    )
    return parser.parse_args(argv)


def to_mmsgg(
    content: dict, config: str | None, cfg_options: dict
) -> tuple[dict, list[str]]:
    """Convert a checkpoint of Scene-Graph-Benchmark.

    Args:
        content: What the file holds.
        config: Of the model that is to hold the weights, by default that of
            the kind of checkpoint.
        cfg_options: Entries that override it.

    Returns:
        The checkpoint, and lines that say what became of what.

    Raises:
        ValueError: If the weights are not those of the model.
    """
    theirs, wrapper = _unwrapped(state_dict_of(content, 'model'))
    kind = kind_of(theirs)
    cfg = Config.fromfile(config or str(CONFIGS / KINDS[kind].config))
    cfg.merge_from_dict(cfg_options)
    weights = convert(theirs, kind)
    check_weights(weights, cfg.model)
    check_anchors(theirs, cfg.model.get('detector', cfg.model))
    notes = [
        f'{kind} checkpoint, for {config or f"configs/{KINDS[kind].config}"}',
        *_unused(kind, weights.kept),
    ]
    if not any(name.startswith('backbone.') for name in theirs):
        notes.append('it holds no detector; load that beside it')
    meta, nameless = names_of(cfg.model)
    source = dict(kind=kind, prefix=wrapper, kept=weights.kept)
    return dict(
        meta=meta, state_dict=weights.state_dict, **{SOURCE: source}
    ), notes + nameless


def to_sgb(content: dict, *_: Any) -> tuple[dict, list[str]]:
    """Convert a checkpoint of mmsgg.

    Args:
        content: What the file holds; no config is needed.

    Returns:
        The checkpoint, and lines that say what became of what.

    Raises:
        ValueError: If the weights are of another model.
    """
    ours = state_dict_of(content, 'state_dict')
    source = content.get(SOURCE, {})
    kind = source.get('kind') or _kind_of_ours(ours)
    theirs, zero = revert(ours, kind, source.get('kept', {}))
    notes = [f'{kind} checkpoint']
    notes += [f'{name}: background is zero; nothing reads it' for name in zero]
    prefix = source.get('prefix', '')
    return dict(model={prefix + k: v for k, v in theirs.items()}), notes


def check_anchors(theirs: Mapping[str, Tensor], detector: ConfigDict) -> None:
    """Compare the anchors of a checkpoint, if any, with those of a config.

    Raises:
        ValueError: If they are others.
    """
    anchors = [
        values for name, values in theirs.items() if name.startswith(ANCHORS)
    ]
    if not anchors:
        return
    # the scope of a config's RPN head
    with DefaultScope.overwrite_default_scope('mmdet'):
        generator = TASK_UTILS.build(detector.rpn_head.anchor_generator)
    expected = generator.base_anchors
    if len(anchors) != len(expected) or not all(
        one.shape == other.shape and torch.allclose(one, other, atol=1e-2)
        for one, other in zip(anchors, expected, strict=True)
    ):
        raise ValueError(
            f'the anchors of the checkpoint ({ANCHORS}*) are not the '
            "config's: other ratios, sizes or order"
        )


def _unwrapped(
    state_dict: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], str]:
    """Strip what torch's DistributedDataParallel puts before all names."""
    wrapped = all(name.startswith(WRAPPER) for name in state_dict)
    prefix = WRAPPER if wrapped else ''
    return {k.removeprefix(prefix): v for k, v in state_dict.items()}, prefix


def _unused(kind: str, kept: Mapping[str, Tensor]) -> list[str]:
    """Say of each weight that no rule takes why it is not used."""
    _, unused, _ = entries_of(kind)
    entries = ((name, longest(name, unused, 'there')) for name in kept)
    return [f'{name}: not used; {entry.why}' for name, entry in entries
            if entry is not None]  # fmt: skip


def _kind_of_ours(ours: Mapping[str, Tensor]) -> str:
    """Tell the kind of a checkpoint of ours that does not say it."""
    if not any(name.startswith('relation_head.') for name in ours):
        return 'detector'
    for kind in KINDS:
        rules, _, _ = entries_of(kind)
        if all(longest(name, rules, 'here') for name in ours):
            return kind
    raise ValueError(
        'it has no relation head of Scene-Graph-Benchmark; there are '
        f'{", ".join(KINDS)}'
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or say in a line why not."""
    args = parse_args(argv)
    if args.reverse:
        convert_file(args, to_sgb, 'model')
    else:
        convert_file(args, to_mmsgg)


if __name__ == '__main__':
    main()
