"""Convert a checkpoint of linknet-pytorch, or a detector of neural-motifs.

What becomes of each weight stands in docs/checkpoints.md.

Examples:
    python tools/model_converters/linknet_pytorch_to_mmsgg.py \
        vgrel-18.tar checkpoints/linknet_sgdet.pth
    python tools/test.py configs/linknet/compat/sgdet.py \
        checkpoints/linknet_sgdet.pth
"""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

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
from linknet_pytorch_weights import convert_linknet_pytorch

COMPAT = Path(__file__).parents[2] / 'configs/linknet/compat/sgdet.py'


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    return converter_parser(
        __doc__,
        ', for other sizes than those of VG150 (default: '
        'configs/linknet/compat/sgdet.py); it may have parts that the '
        'checkpoint has not',
        COMPAT,
    ).parse_args(argv)


def check_anchors(
    anchors: Tensor, generator: ConfigDict, tolerance: float = 1e-2
) -> None:
    """Compare the anchors of a checkpoint with those of a config.

    Args:
        anchors: (H, W, A, 4), input-image pixels.
        generator: Config of the anchor generator.
        tolerance: In pixels.

    Raises:
        ValueError: If they are others.
    """
    # the scope of a config's RPN head
    with DefaultScope.overwrite_default_scope('mmdet'):
        generator = TASK_UTILS.build(generator)
    height, width = anchors.shape[:2]
    [expected] = generator.grid_priors([(height, width)], device='cpu')
    expected = expected.reshape(height, width, -1, 4)
    if anchors.shape != expected.shape:
        raise ValueError(
            f'the checkpoint has anchors of shape {tuple(anchors.shape)}, the '
            f'model of shape {tuple(expected.shape)}'
        )
    distance = (anchors - expected).abs().max().item()
    if distance > tolerance:
        raise ValueError(
            f'the anchors of the checkpoint are up to {distance:.2f} pixels '
            f"away from the model's: other ratios, scales or order"
        )


def to_mmsgg(
    content: dict, config: str, cfg_options: dict
) -> tuple[dict, list[str]]:
    """Convert a checkpoint of linknet-pytorch.

    Args:
        content: What the file holds.
        config: Of the model that is to hold the weights.
        cfg_options: Entries that override it.

    Returns:
        The checkpoint, and lines that say what became of what.

    Raises:
        ValueError: If the weights are not those of the model.
    """
    weights = convert_linknet_pytorch(state_dict_of(content, 'state_dict'))
    if not weights.state_dict:
        raise ValueError('none of its weights has a name of linknet-pytorch')
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(cfg_options)
    check_weights(weights, cfg.model)
    notes = []
    if weights.anchors is not None:
        detector = cfg.model.get('detector', cfg.model)
        check_anchors(weights.anchors, detector.rpn_head.anchor_generator)
        notes.append(
            'rpn_head.anchors: not used; equal to those of the config'
        )
    notes += [
        f'{key}: not used; nothing here stands for it'
        for key in weights.unused
    ]
    meta, nameless = names_of(cfg.model)
    checkpoint = dict(meta=meta, state_dict=weights.state_dict)
    return checkpoint, notes + nameless


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or say in a line why not."""
    convert_file(parse_args(argv), to_mmsgg)


if __name__ == '__main__':
    main()
