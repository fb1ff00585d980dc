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

import torch
from mmdet.registry import TASK_UTILS
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor

from conversion import (
    check_weights,
    converter_parser,
    names_of,
    state_dict_of,
)
from linknet_pytorch_weights import convert_linknet_pytorch
from mmsgg.engine import (
    CheckpointError,
    UntrustedCheckpointError,
    read_checkpoint,
)

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


def read_state_dict(path: str, trust: bool = False) -> dict[str, Tensor]:
    """Read the weights out of a file that torch.save wrote.

    Args:
        path: Of a state dict, or of a dict that has one as ``state_dict``.
        trust: Whether code in the file may run.

    Raises:
        ValueError: If it is no such file.
    """
    try:
        content = read_checkpoint(path, trust=trust)
    except CheckpointError as error:
        refusal = str(error).removeprefix(f'{path} ')
        if isinstance(error, UntrustedCheckpointError):
            refusal += (
                ', or save the weights alone: torch.save(torch.load(path, '
                "weights_only=False)['state_dict'], new_path)"
            )
        raise ValueError(refusal) from error
    return state_dict_of(content, 'state_dict')


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


def convert(src: str, dst: Path, config: str, trust: bool = False) -> None:
    """Convert one file and say what became of what.

    Raises:
        ValueError: If the file is no checkpoint of this kind.
    """
    print(f'reading {src}')
    state_dict = read_state_dict(src, trust)
    weights = convert_linknet_pytorch(state_dict)
    if not weights.state_dict:
        raise ValueError('none of its weights has a name of linknet-pytorch')
    model = Config.fromfile(config).model
    check_weights(weights, model)
    if weights.anchors is not None:
        detector = model.get('detector', model)
        check_anchors(weights.anchors, detector.rpn_head.anchor_generator)
        print('rpn_head.anchors: not used; equal to those of the config')
    for key in weights.unused:
        print(f'{key}: not used; nothing here stands for it')
    meta, notes = names_of(model)
    for note in notes:
        print(note)
    print(f'writing {dst}')
    dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(meta=meta, state_dict=weights.state_dict), dst)
    print(f'done: {len(weights.state_dict)} tensors out of {len(state_dict)}')


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or say in a line why not."""
    args = parse_args(argv)
    try:
        convert(args.src, args.dst, args.config, args.trust)
    except ValueError as error:
        raise SystemExit(f'{args.src}: {error}') from error


if __name__ == '__main__':
    main()
