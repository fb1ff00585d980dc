r"""Convert a checkpoint of RelTR (yrcong/RelTR).

What becomes of each weight stands in docs/checkpoints.md.

Example:
    python tools/model_converters/reltr_to_mmsgg.py \
        checkpoint0149.pth checkpoints/reltr_vg150.pth
"""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from torch import Tensor

from conversion import check_weights, names_of, state_dict_of
from mmsgg.engine import (
    add_trust,
    checkpoint_file,
    config_file,
    read_checkpoint,
)
from mmsgg.engine.command_line import add_cfg_options

CONFIG = Path(__file__).parents[2] / 'configs' / 'reltr' / 'sgdet.py'
LAYER = r'transformer\.decoder\.layers\.(\d+)\.'
ENTITIES = 'detector.decoder.layers.{0}.'
TRIPLETS = 'relation_head.decoder.layers.{0}.'
ROLES = dict(sub='subject', obj='object')
# Beginnings of names there, patterns, and here, with what the groups found.
# The norms of an entity, and of a role, are numbered in the order of use.
RULES = {
    r'backbone\.0\.body\.': 'detector.backbone.',
    r'input_proj\.': 'detector.neck.convs.0.conv.',
    r'transformer\.encoder\.layers\.(\d+)\.self_attn\.': (
        'detector.encoder.layers.{0}.self_attn.attn.'
    ),
    r'transformer\.encoder\.layers\.(\d+)\.linear1\.': (
        'detector.encoder.layers.{0}.ffn.layers.0.0.'
    ),
    r'transformer\.encoder\.layers\.(\d+)\.linear2\.': (
        'detector.encoder.layers.{0}.ffn.layers.1.'
    ),
    r'transformer\.encoder\.layers\.(\d+)\.norm1\.': (
        'detector.encoder.layers.{0}.norms.0.'
    ),
    r'transformer\.encoder\.layers\.(\d+)\.norm2\.': (
        'detector.encoder.layers.{0}.norms.1.'
    ),
    LAYER + r'self_attn_entity\.': ENTITIES + 'self_attn.attn.',
    LAYER + r'cross_attn_entity\.': ENTITIES + 'cross_attn.attn.',
    LAYER + r'linear1_entity\.': ENTITIES + 'ffn.layers.0.0.',
    LAYER + r'linear2_entity\.': ENTITIES + 'ffn.layers.1.',
    LAYER + r'norm2_entity\.': ENTITIES + 'norms.0.',
    LAYER + r'norm1_entity\.': ENTITIES + 'norms.1.',
    LAYER + r'norm3_entity\.': ENTITIES + 'norms.2.',
    LAYER + r'self_attn_so\.': TRIPLETS + 'self_attn.',
    LAYER + r'norm2_so\.': TRIPLETS + 'norm.',
    LAYER + r'cross_attn_(sub|obj)\.': TRIPLETS + '{1}.image_attn.',
    LAYER + r'cross_(sub|obj)_entity\.': TRIPLETS + '{1}.entity_attn.',
    LAYER + r'linear1_(sub|obj)\.': TRIPLETS + '{1}.ffn.layers.0.0.',
    LAYER + r'linear2_(sub|obj)\.': TRIPLETS + '{1}.ffn.layers.1.',
    LAYER + r'norm1_(sub|obj)\.': TRIPLETS + '{1}.norms.0.',
    LAYER + r'norm2_(sub|obj)\.': TRIPLETS + '{1}.norms.1.',
    LAYER + r'norm3_(sub|obj)\.': TRIPLETS + '{1}.norms.2.',
    r'entity_embed\.': 'detector.query_embedding.',
    r'entity_class_embed\.': 'detector.bbox_head.fc_cls.',
    r'entity_bbox_embed\.layers\.0\.': (
        'detector.bbox_head.reg_ffn.layers.0.0.'
    ),
    r'entity_bbox_embed\.layers\.1\.': 'detector.bbox_head.reg_ffn.layers.1.',
    r'entity_bbox_embed\.layers\.2\.': 'detector.bbox_head.fc_reg.',
    r'triplet_embed\.': 'relation_head.decoder.triplet_embedding.',
    r'so_embed\.': 'relation_head.decoder.role_embedding.',
    r'(sub|obj)_class_embed\.': 'relation_head.{0}_cls.',
    r'(sub|obj)_bbox_embed\.layers\.0\.': 'relation_head.{0}_reg.0.',
    r'(sub|obj)_bbox_embed\.layers\.1\.': 'relation_head.{0}_reg.2.',
    r'(sub|obj)_bbox_embed\.layers\.2\.': 'relation_head.{0}_reg.4.',
    r'so_mask_conv\.(\d)\.': 'relation_head.map_encoder.{0}.',
    r'so_mask_fc\.0\.': 'relation_head.map_encoder.9.',
    r'so_mask_fc\.2\.': 'relation_head.map_encoder.11.',
    r'rel_class_embed\.layers\.0\.': 'relation_head.predicate_cls.0.',
    r'rel_class_embed\.layers\.1\.': 'relation_head.predicate_cls.2.',
}
#: Where the first of the logits there is that of nothing (Visual Genome).
LOGITS = re.compile(r'\w+_class_embed\.(?!layers\.0)')
COUNTER = 'num_batches_tracked'


class ConvertedWeights(NamedTuple):
    """What :func:`convert` makes of a checkpoint."""

    state_dict: dict[str, Tensor]  # by our names
    sources: dict[str, str]  # the name there of each of our names


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('src', type=checkpoint_file, help='the file to read')
    parser.add_argument('dst', type=Path, help='the file to write')
    parser.add_argument(
        '--config',
        type=config_file,
        default=str(CONFIG),
        help='config of the model that is to hold the weights (default: '
        'configs/reltr/sgdet.py)',
    )
    add_cfg_options(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def convert(
    state_dict: Mapping[str, Tensor], unused_first: bool
) -> ConvertedWeights:
    """Rename the weights, and move a logit.

    Args:
        state_dict: Weights of RelTR.
        unused_first: Whether the first class, and predicate, is no target.
            Its logit goes to the last place but one, before that of no
            object, or of no relation.

    Raises:
        ValueError: If a weight is left over, naming all of them.
    """
    out: dict[str, Tensor] = {}
    sources, left_over = {}, []
    for name, values in state_dict.items():
        key = renamed(name)
        if key is None:
            left_over.append(f'{name} {tuple(values.shape)}')
            continue
        if unused_first and LOGITS.match(name):
            values = torch.cat([values[1:-1], values[:1], values[-1:]])
        out[key], sources[key] = values, name
        norm, _, field = key.rpartition('.')
        # their frozen batch norm counts no batches
        if field == 'running_mean' and f'{norm}.{COUNTER}' not in out:
            out[f'{norm}.{COUNTER}'] = torch.tensor(0)
            sources[f'{norm}.{COUNTER}'] = name
    if left_over:
        raise ValueError(
            f'nothing here stands for {len(left_over)} of its weights:\n  '
            + '\n  '.join(left_over)
        )
    return ConvertedWeights(out, sources)


def renamed(name: str) -> str | None:
    """Our name of a weight of RelTR, or None if it is none."""
    for there, here in RULES.items():
        if found := re.match(there, name):
            groups = [ROLES.get(group, group) for group in found.groups()]
            return here.format(*groups) + name[found.end() :]
    return None


def to_mmsgg(
    content: dict, config: str, cfg_options: dict
) -> tuple[dict, list[str]]:
    """Convert a checkpoint.

    Args:
        content: What the file holds.
        config: Of the model that is to hold the weights.
        cfg_options: Entries that override it.

    Returns:
        The checkpoint, and lines that say what became of what.

    Raises:
        ValueError: If the weights are not those of the model.
    """
    theirs = state_dict_of(content, 'model')
    if not any(name.startswith('triplet_embed.') for name in theirs):
        raise ValueError(
            'it has no triplet_embed, and so is no checkpoint of RelTR'
        )
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(cfg_options)
    weights = convert(theirs, bool(cfg.model.relation_head.get('num_unused')))
    check_weights(weights, cfg.model)
    notes = []
    meta = names_of(cfg.model)
    if not meta:
        notes.append('no names of classes: their number is not that of VG150')
    return dict(meta=meta, state_dict=weights.state_dict), notes


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or say in a line why not."""
    args = parse_args(argv)
    print(f'reading {args.src}')
    try:
        content = read_checkpoint(args.src, trust=args.trust)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    try:
        checkpoint, notes = to_mmsgg(content, args.config, args.cfg_options)
    except ValueError as error:
        raise SystemExit(f'{args.src}: {error}') from error
    for note in notes:
        print(note)
    print(f'writing {args.dst}')
    args.dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, args.dst)
    print(f'done: {len(checkpoint["state_dict"])} tensors')


if __name__ == '__main__':
    main()
