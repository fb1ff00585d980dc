r"""Strip a checkpoint to what others need, and name it by its hash.

Examples:
    python tools/model_converters/publish_model.py \
        work_dirs/linknet/sgdet/epoch_20.pth linknet_sgdet.pth
"""

import hashlib
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.runner import CheckpointLoader

from mmsgg.engine import checkpoint_file


def published_file(text: str) -> Path:
    """Check what is to be written; for use as an argparse type."""
    path = Path(text)
    if path.suffix != '.pth':
        raise ArgumentTypeError(f"'{text}' does not end in .pth")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder '{path.parent}'")
    return path


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description='Strip a checkpoint to its weights and meta, and name it '
        'by its hash.'
    )
    parser.add_argument(
        'source', type=checkpoint_file, help='a checkpoint of training'
    )
    parser.add_argument(
        'target',
        type=published_file,
        help='file to write; NAME.pth becomes NAME-<8 digits of sha256>.pth',
    )
    return parser.parse_args(argv)


def read_checkpoint(path: str) -> dict:
    """Read a checkpoint of mmengine.

    Raises:
        SystemExit: If it is none, or does not name its classes.
    """
    try:
        checkpoint = CheckpointLoader.load_checkpoint(path, 'cpu')
    # the pickle and zip readers have many ways to fail
    except Exception as error:
        raise SystemExit(
            f'{path} does not read as a checkpoint '
            f'({type(error).__name__}: {error})'
        ) from error
    if not isinstance(checkpoint, dict) or 'state_dict' not in checkpoint:
        raise SystemExit(
            f'{path} has no state_dict: is it a checkpoint of mmengine?'
        )
    if 'classes' not in checkpoint.get('meta', {}).get('dataset_meta', {}):
        raise SystemExit(
            f'{path} has no meta.dataset_meta with the classes, without which '
            f'nobody could name what the model predicts; publish a checkpoint '
            f'that tools/train.py saved'
        )
    return checkpoint


def publish(checkpoint: dict, target: Path) -> Path:
    """Write the weights and meta of a checkpoint.

    Args:
        checkpoint: As mmengine saves it. Optimizer, schedulers, message hub
            and the weights beside the average of an EMA stay behind, and so
            does ``meta.hook_msgs``, which names files of the machine.
        target: File to write; the hash goes into its name.

    Returns:
        The file.
    """
    meta = {k: v for k, v in checkpoint['meta'].items() if k != 'hook_msgs'}
    torch.save(dict(meta=meta, state_dict=checkpoint['state_dict']), target)
    digest = hashlib.sha256()
    with target.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    final = target.with_stem(f'{target.stem}-{digest.hexdigest()[:8]}')
    return target.rename(final)


def main() -> None:
    """Read, strip and write."""
    args = parse_args()
    final = publish(read_checkpoint(args.source), args.target)
    print(f'{final}: {final.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
