"""Export a model for sgdet, image to scene graph, in fixed shapes.

Writes a program of ``torch.export`` (.pt2) and an ONNX file beside each
other. Both take ``image`` (H, W, 3) uint8 RGB, the image resized into the
upper left corner, and ``size`` (2,) its height and width there; both give
the tensors that ``OUTPUTS`` in static_graph/program.py lists.

Examples:
    python tools/deployment/export.py configs/toy/egtr_sgdet.py egtr.pth
    python demo/onnx_demo.py demo.jpg work_dirs/export/egtr_sgdet.onnx
"""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mmsgg.arguments import add_trust, checkpoint_file, config_file

NEEDS = (
    'an export needs a newer torch than {torch.__version__}, with loops in '
    'torch.export; 2.13 is what it was tried with'
)


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition('\n')[0])
    add = parser.add_argument
    add('config', type=config_file, help='a config file, for sgdet')
    add('checkpoint', type=checkpoint_file, help='a checkpoint or its URL')
    add(
        '--out-dir',
        type=Path,
        default=Path('work_dirs/export'),
        help='where to write (default: work_dirs/export)',
    )
    add(
        '--formats',
        nargs='+',
        choices=('pt2', 'onnx'),
        default=('pt2', 'onnx'),
        help='what to write (default: both)',
    )
    add(
        '--shape',
        type=int,
        nargs=2,
        metavar=('HEIGHT', 'WIDTH'),
        help='of the input (default: a square that fits any image as the '
        'test pipeline resizes it)',
    )
    add(
        '--relations',
        type=int,
        default=100,
        help='that come out, the best ones (default: 100)',
    )
    add(
        '--candidates',
        type=int,
        default=1000,
        help='boxes that NMS chooses from, of each level of the detector; '
        'what is not among them is not found (default: 1000)',
    )
    add_trust(parser)
    return parser.parse_args(argv)


def resize_scale(cfg: Any) -> tuple[int, int]:
    """Find what the test pipeline resizes images into, long side first.

    Raises:
        ValueError: If it does not resize them, their ratio kept.
    """
    for transform in cfg.test_dataloader.dataset.pipeline:
        if transform['type'].endswith('Resize') and transform.get(
            'keep_ratio'
        ):
            return tuple(sorted(transform['scale'], reverse=True))
    raise ValueError(
        'the test pipeline has no Resize with keep_ratio=True, so that the '
        'size of images is not known'
    )


def input_shape(model: Any, scale: tuple[int, int]) -> tuple[int, int]:
    """Find the square that fits every image, as the model pads it."""
    divisor = model.data_preprocessor.pad_size_divisor
    side = math.ceil(max(scale) / divisor) * divisor
    return side, side


def check_shape(model: Any, shape: Sequence[int]) -> None:
    """Refuse an input that the model would pad further, at its borders.

    Raises:
        ValueError: If a side is not divisible by what the model pads to.
    """
    divisor = model.data_preprocessor.pad_size_divisor
    if any(side % divisor for side in shape):
        raise ValueError(
            f'--shape {shape[0]} {shape[1]}: the model pads images to '
            f'multiples of {divisor}; without that padding its maps, and so '
            'its graphs, would be others'
        )


def export_program(
    model: Any, shape: Sequence[int], relations: int, candidates: int
) -> torch.export.ExportedProgram:
    """Trace a model, which is changed by that.

    Args:
        model: A ``SceneGraphDetector`` with its weights.
        shape: Height and width of the input.
        relations: As of :class:`SceneGraphProgram`.
        candidates: As of :class:`SceneGraphProgram`.
    """
    from static_graph.program import SceneGraphProgram

    program = SceneGraphProgram(model, relations, candidates)
    image = torch.zeros(*shape, 3, dtype=torch.uint8)
    with torch.no_grad():
        return torch.export.export(
            program, (image, torch.tensor(shape)), strict=False
        )


def export(args: Namespace) -> list[Path]:
    """Write the files that the command line asks for."""
    from mmsgg.apis import SGGInferencer

    inferencer = SGGInferencer(
        args.config, args.checkpoint, 'cpu', trust=args.trust
    )
    model, scale = inferencer.model, resize_scale(inferencer.cfg)
    shape = args.shape or input_shape(model, scale)
    check_shape(model, shape)
    program = export_program(model, shape, args.relations, args.candidates)
    about = dict(
        scale=scale,
        shape=shape,
        candidates=args.candidates,
        **model.dataset_meta,
    )
    args.out_dir.mkdir(parents=True, exist_ok=True)
    files = []
    for ending in args.formats:
        path = args.out_dir / f'{Path(args.config).stem}.{ending}'
        if ending == 'pt2':
            torch.export.save(program, path)
        else:
            from static_graph.onnx_file import write_onnx

            write_onnx(path, program, about)
        files.append(path)
    return files


def main(argv: Sequence[str] | None = None) -> None:
    """Export and say what was written."""
    args = parse_args(argv)
    try:
        from torch._higher_order_ops.while_loop import while_loop  # noqa: F401
        from torch.library import custom_op  # noqa: F401
    except ImportError:
        raise SystemExit(f'error: {NEEDS.format(torch=torch)}') from None
    try:
        files = export(args)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {args.config}: {error}') from None
    except ModuleNotFoundError as error:
        raise SystemExit(
            f'error: {error.name} is not installed; pip install onnx '
            'onnxscript, or leave onnx out of --formats'
        ) from None
    print(*files, sep='\n')


if __name__ == '__main__':
    main()
