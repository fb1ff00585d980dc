r"""Convert a checkpoint of RelTR (yrcong/RelTR).

What becomes of each weight stands in docs/checkpoints.md.

Example:
    python tools/model_converters/reltr_to_mmsgg.py \
        checkpoint0149.pth checkpoints/reltr_vg150.pth
"""

import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor

from conversion import (
    RenamedWeights,
    check_weights,
    convert_file,
    converter_parser,
    names_of,
    rename,
    state_dict_of,
)

CONFIG = Path(__file__).parents[2] / 'configs' / 'reltr' / 'sgdet.py'
ENCODER = r'transformer\.encoder\.layers\.(\d+)'
DECODER = r'transformer\.decoder\.layers\.(\d+)'
OF_ENCODER = r'detector.encoder.layers.\1'
OF_ENTITIES = r'detector.decoder.layers.\1'
OF_TRIPLETS = r'relation_head.decoder.layers.\1'
# Beginnings of names there, as patterns, and here. The norms of an entity, and
# of a role, are numbered in the order of their use.
BEGINNINGS = [
    (r'backbone\.0\.body', 'detector.backbone'),
    (r'input_proj', 'detector.neck.convs.0.conv'),
    (rf'{ENCODER}\.self_attn', f'{OF_ENCODER}.self_attn.attn'),
    (rf'{ENCODER}\.linear1', f'{OF_ENCODER}.ffn.layers.0.0'),
    (rf'{ENCODER}\.linear2', f'{OF_ENCODER}.ffn.layers.1'),
    (rf'{ENCODER}\.norm1', f'{OF_ENCODER}.norms.0'),
    (rf'{ENCODER}\.norm2', f'{OF_ENCODER}.norms.1'),
    (rf'{DECODER}\.self_attn_entity', f'{OF_ENTITIES}.self_attn.attn'),
    (rf'{DECODER}\.cross_attn_entity', f'{OF_ENTITIES}.cross_attn.attn'),
    (rf'{DECODER}\.linear1_entity', f'{OF_ENTITIES}.ffn.layers.0.0'),
    (rf'{DECODER}\.linear2_entity', f'{OF_ENTITIES}.ffn.layers.1'),
    (rf'{DECODER}\.norm2_entity', f'{OF_ENTITIES}.norms.0'),
    (rf'{DECODER}\.norm1_entity', f'{OF_ENTITIES}.norms.1'),
    (rf'{DECODER}\.norm3_entity', f'{OF_ENTITIES}.norms.2'),
    (r'entity_embed', 'detector.query_embedding'),
    (r'entity_class_embed', 'detector.bbox_head.fc_cls'),
    (r'entity_bbox_embed\.layers\.0',
     'detector.bbox_head.reg_ffn.layers.0.0'),
    (r'entity_bbox_embed\.layers\.1', 'detector.bbox_head.reg_ffn.layers.1'),
    (r'entity_bbox_embed\.layers\.2', 'detector.bbox_head.fc_reg'),
    (rf'{DECODER}\.self_attn_so', f'{OF_TRIPLETS}.self_attn'),
    (rf'{DECODER}\.norm2_so', f'{OF_TRIPLETS}.norm'),
    (r'triplet_embed', 'relation_head.decoder.triplet_embedding'),
    (r'so_embed', 'relation_head.decoder.role_embedding'),
    (r'so_mask_conv\.(\d)', r'relation_head.map_encoder.\1'),
    (r'so_mask_fc\.0', 'relation_head.map_encoder.9'),
    (r'so_mask_fc\.2', 'relation_head.map_encoder.11'),
    (r'rel_class_embed\.layers\.0', 'relation_head.predicate_cls.0'),
    (r'rel_class_embed\.layers\.1', 'relation_head.predicate_cls.2'),
    *(
        rule
        for there, here in (('sub', 'subject'), ('obj', 'object'))
        for rule in (
            (rf'{DECODER}\.cross_attn_{there}',
             f'{OF_TRIPLETS}.{here}.image_attn'),
            (rf'{DECODER}\.cross_{there}_entity',
             f'{OF_TRIPLETS}.{here}.entity_attn'),
            (rf'{DECODER}\.linear1_{there}',
             f'{OF_TRIPLETS}.{here}.ffn.layers.0.0'),
            (rf'{DECODER}\.linear2_{there}',
             f'{OF_TRIPLETS}.{here}.ffn.layers.1'),
            (rf'{DECODER}\.norm1_{there}', f'{OF_TRIPLETS}.{here}.norms.0'),
            (rf'{DECODER}\.norm2_{there}', f'{OF_TRIPLETS}.{here}.norms.1'),
            (rf'{DECODER}\.norm3_{there}', f'{OF_TRIPLETS}.{here}.norms.2'),
            (rf'{there}_class_embed', f'relation_head.{here}_cls'),
            (rf'{there}_bbox_embed\.layers\.0',
             f'relation_head.{here}_reg.0'),
            (rf'{there}_bbox_embed\.layers\.1',
             f'relation_head.{here}_reg.2'),
            (rf'{there}_bbox_embed\.layers\.2',
             f'relation_head.{here}_reg.4'),
        )
    ),
]  # fmt: skip
RULES = [
    (rf'{there}(?P<rest>\..*)', rf'{here}\g<rest>')
    for there, here in BEGINNINGS
]
#: Where the first of the logits there is that of nothing (Visual Genome).
LOGITS = re.compile(r'\w+_class_embed\.(?!layers\.0)')


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    return converter_parser(
        __doc__, ' (default: configs/reltr/sgdet.py)', CONFIG
    ).parse_args(argv)


def convert(
    state_dict: Mapping[str, Tensor], unused_first: bool
) -> RenamedWeights:
    """Rename the weights, and move a logit.

    Args:
        state_dict: Weights of RelTR.
        unused_first: Whether the first class, and predicate, is no target.
            Its logit goes to the last place but one, before that of no
            object, or of no relation.

    Raises:
        ValueError: If a weight is left over, naming all of them.
    """
    moved = {
        name: torch.cat([values[1:-1], values[:1], values[-1:]])
        if unused_first and LOGITS.match(name)
        else values
        for name, values in state_dict.items()
    }
    return rename(moved, RULES)


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
    meta, notes = names_of(cfg.model)
    return dict(meta=meta, state_dict=weights.state_dict), notes


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or say in a line why not."""
    convert_file(parse_args(argv), to_mmsgg)


if __name__ == '__main__':
    main()
