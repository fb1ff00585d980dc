r"""Convert a checkpoint of EGTR, or of its detector alone.

What becomes of each weight stands in docs/checkpoints.md.

Examples:
    python tools/model_converters/egtr_to_mmsgg.py \
        epoch=03-validation_loss=1.71.ckpt checkpoints/egtr_sgdet.pth
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
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

CONFIG = 'configs/egtr/sgdet.py'
#: Others, by their numbers of classes.
CONFIGS = {601: 'configs/egtr/sgdet_open-images-v6.py'}
LIGHTNING = 'model.'
HEADS = 'class_embed.', 'bbox_embed.'
OF_CLASSES = 'detector.bbox_head.cls_branches.0.bias'
OF_PREDICATES = 'relation_head.predicate_mlp.layers.2.bias'
TABLE = 'relation_head.frequency_bias.triplet_dist'
LAYER = r'model\.(encoder|decoder)\.layers\.(\d+)\.'
#: Names there, after that of Lightning, and here; dots are literal.
RULES = [
    (r'model\.backbone\.conv_encoder\.model\.(.*)', r'detector.backbone.\1'),
    (r'model\.input_proj\.3\.0\.(.*)', r'detector.neck.extra_convs.0.conv.\1'),
    (r'model\.input_proj\.3\.1\.(.*)', r'detector.neck.extra_convs.0.gn.\1'),
    (r'model\.input_proj\.(\d)\.0\.(.*)', r'detector.neck.convs.\1.conv.\2'),
    (r'model\.input_proj\.(\d)\.1\.(.*)', r'detector.neck.convs.\1.gn.\2'),
    (r'model\.level_embed', r'detector.level_embed'),
    (
        r'model\.query_position_embeddings\.(.*)',
        r'detector.query_embedding.\1',
    ),
    (r'model\.reference_points\.(.*)', r'detector.reference_points_fc.\1'),
    (
        LAYER + r'self_attn_layer_norm\.(.*)',
        r'detector.\1.layers.\2.norms.0.\3',
    ),
    (
        r'model\.encoder\.layers\.(\d+)\.final_layer_norm\.(.*)',
        r'detector.encoder.layers.\1.norms.1.\2',
    ),
    (
        r'model\.decoder\.layers\.(\d+)\.encoder_attn_layer_norm\.(.*)',
        r'detector.decoder.layers.\1.norms.1.\2',
    ),
    (
        r'model\.decoder\.layers\.(\d+)\.final_layer_norm\.(.*)',
        r'detector.decoder.layers.\1.norms.2.\2',
    ),
    (LAYER + r'fc1\.(.*)', r'detector.\1.layers.\2.ffn.layers.0.0.\3'),
    (LAYER + r'fc2\.(.*)', r'detector.\1.layers.\2.ffn.layers.1.\3'),
    (
        r'model\.decoder\.layers\.(\d+)\.self_attn\.(in|out)_proj(.*)',
        r'detector.decoder.layers.\1.self_attn.attn.\2_proj\3',
    ),
    (
        r'model\.decoder\.layers\.(\d+)\.encoder_attn\.(.*)',
        r'detector.decoder.layers.\1.cross_attn.\2',
    ),
    (
        r'model\.encoder\.layers\.(\d+)\.self_attn\.(.*)',
        r'detector.encoder.layers.\1.self_attn.\2',
    ),
    (r'class_embed\.(.*)', r'detector.bbox_head.cls_branches.\1'),
    *(
        (
            rf'bbox_embed\.(\d+)\.layers\.{i}\.(.*)',
            rf'detector.bbox_head.reg_branches.\1.{2 * i}.\2',
        )
        for i in range(3)
    ),
    (r'proj_q\.(.*)', r'relation_head.subject_fcs.\1'),
    (r'proj_k\.(.*)', r'relation_head.object_fcs.\1'),
    (r'rel_predictor_gate\.(.*)', r'relation_head.gate_fc.\1'),
    (r'rel_predictor\.(.*)', r'relation_head.predicate_mlp.\1'),
    (r'connectivity_layer\.(.*)', r'relation_head.connectivity_mlp.\1'),
    (r'(triplet_dist|rel_dist)', r'relation_head.frequency_bias.\1'),
]


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    return converter_parser(
        __doc__,
        '; by default that of VG150 or Open Images, with the numbers of '
        'classes and predicates in the file',
    ).parse_args(argv)


def convert(state_dict: Mapping[str, Tensor]) -> RenamedWeights:
    """Give the weights of EGTR, or of its detector, our names.

    Args:
        state_dict: With the prefix of Lightning or without.

    Raises:
        ValueError: If a weight is left over, or what is there several times
            differs.
    """
    theirs = _without_prefix(state_dict)
    for name, values in theirs.items():
        if name.startswith(HEADS):
            part, _, rest = name.split('.', 2)
            first = theirs.get(f'{part}.0.{rest}')
            if first is None or not torch.equal(values, first):
                raise ValueError(
                    f'{name} is to be equal to {part}.0.{rest}, and is not: '
                    'this is a model with box refinement'
                )
    stacked, parts = _stacked(theirs)
    num_layers = len({n for n in stacked if n.startswith('proj_q.')}) // 2
    last = [
        (rf'final_{side}_proj\.(.*)', rf'relation_head.{name}.{num_layers}.\1')
        for side, name in (('sub', 'subject_fcs'), ('obj', 'object_fcs'))
    ]
    weights, sources = rename(stacked, [*RULES, *last])
    if TABLE in weights:
        # the row and the column of background, which nobody reads
        weights[TABLE] = weights[TABLE][:-1, :-1]
    return RenamedWeights(
        weights, {k: parts.get(v, v) for k, v in sources.items()}
    )


def _without_prefix(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Strip what Lightning puts before all names."""
    if all(name.startswith(LIGHTNING) for name in state_dict):
        return {k.removeprefix(LIGHTNING): v for k, v in state_dict.items()}
    return dict(state_dict)


def _stacked(
    theirs: dict[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Stack query, key and value of self-attention, as torch has them.

    Returns:
        The weights, and which ones those that are new are made of.
    """
    out, parts = {}, {}
    for name, values in theirs.items():
        if '.self_attn.q_proj.' in name:
            names = [name.replace('q_proj', f'{x}_proj') for x in 'qkv']
            stacked = name.replace('q_proj.', 'in_proj_')
            parts[stacked] = ', '.join(names)
            missing = [each for each in names if each not in theirs]
            if missing:
                raise ValueError(f'{", ".join(missing)} is not in it')
            out[stacked] = torch.cat([theirs[each] for each in names])
        elif '.self_attn.k_proj.' not in name and (
            '.self_attn.v_proj.' not in name
        ):
            out[name] = values
    return out, parts


def to_mmsgg(
    content: dict, config: str | None, cfg_options: dict
) -> tuple[dict, list[str]]:
    """Convert a checkpoint of EGTR.

    Args:
        content: What the file holds.
        config: Of the model that is to hold the weights.
        cfg_options: Entries that override it.

    Returns:
        The checkpoint, and lines that say what became of what.

    Raises:
        ValueError: If the weights are not those of the model.
    """
    weights = convert(state_dict_of(content, 'state_dict'))
    num_classes = len(weights.state_dict.get(OF_CLASSES, ()))
    name = config or CONFIGS.get(num_classes, CONFIG)
    root = Path() if config else Path(__file__).parents[2]
    cfg = Config.fromfile(root / name)
    notes = [f'for {name}']
    if config is None:
        notes += _fit_vocabulary(cfg.model, weights.state_dict)
    cfg.merge_from_dict(cfg_options)
    if not any(k.startswith('relation_head.') for k in weights.state_dict):
        notes = ['a detector alone: load_from of a config of configs/egtr']
        weights = RenamedWeights(
            *(
                {k.removeprefix('detector.'): v for k, v in field.items()}
                for field in weights
            )
        )
    elif TABLE in weights.state_dict:
        notes.append(
            f'{weights.sources[TABLE]}: the last row and column are not '
            'used; they stand for background, which no query is'
        )
    check_weights(weights, cfg.model)
    meta, nameless = names_of(cfg.model)
    notes += nameless
    unused = [key for key in content if key != 'state_dict']
    if unused and 'state_dict' in content:
        notes.append(f'not used: {", ".join(unused)}')
    return dict(meta=meta, state_dict=weights.state_dict), notes


def _fit_vocabulary(
    model: ConfigDict, weights: Mapping[str, Tensor]
) -> list[str]:
    """Take over the numbers of classes and predicates, and say which."""
    heads = [model.detector.bbox_head, model.relation_head]
    notes = []
    for name, key, parts in (
        (OF_CLASSES, 'num_classes', heads),
        (OF_PREDICATES, 'num_predicates', heads[1:]),
    ):
        num = len(weights[name]) if name in weights else None
        if num not in (None, parts[0][key]):
            notes.append(f'{key} is {num}: set it in the config')
            for part in parts:
                part[key] = num
    return notes


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or say in a line why not."""
    convert_file(parse_args(argv), to_mmsgg)


if __name__ == '__main__':
    main()
