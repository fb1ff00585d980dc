r"""Strip a checkpoint to what others need, and name it by its hash.

Examples:
    python tools/model_converters/publish_model.py \
        work_dirs/linknet/sgdet/epoch_20.pth linknet_sgdet.pth
"""

import hashlib
import io
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmsgg.engine import (
    CheckpointError,
    add_trust,
    checkpoint_file,
    read_checkpoint,
    read_config_text,
)

#: Of ``meta``, what others need.
KEPT = (
    'epoch',
    'iter',
    'seed',
    'time',
    'mmengine_version',
    'dataset_meta',
    'cfg',
)
#: Of a config, where this training stood and what it went on from.
OF_THE_MACHINE = ('work_dir', 'load_from', 'resume', 'launcher')
#: Paths of Unix, home folders, drives and shares of Windows, URLs of files.
ABSOLUTE = re.compile(r'(file:|[A-Za-z]:)?[/\\]|~')


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
    add_trust(parser)
    return parser.parse_args(argv)


def read_published(path: str, trust: bool = False) -> dict:
    """Read a checkpoint of mmengine.

    Raises:
        SystemExit: If it is none, or does not name its classes.
    """
    try:
        checkpoint = read_checkpoint(path, trust=trust)
    except CheckpointError as error:
        raise SystemExit(str(error)) from error
    if 'state_dict' not in checkpoint:
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


def without_places(value: Any) -> Any:
    """Leave of each absolute path in a config its last part.

    Examples:
        >>> without_places(dict(data_root='/home/me/vg/', depth=[18, 'on/in']))
        {'data_root': 'vg', 'depth': [18, 'on/in']}
    """
    if isinstance(value, str) and ABSOLUTE.match(value):
        return re.split(r'[/\\]', value.rstrip('/\\'))[-1]
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(without_places, value))
    return value


def published_config(text: str, trust: bool) -> str:
    """The text of a config, without what names places of the machine.

    Args:
        text: As mmengine keeps it in a checkpoint.
        trust: Whether code in it may run.

    Raises:
        ValueError: If it is more than data.
    """
    if trust:
        config = Config.fromstring(text, file_format='.py').to_dict()
    else:
        config = read_config_text(text)
    kept = {key: v for key, v in config.items() if key not in OF_THE_MACHINE}
    published = without_places(kept)
    return text if published == config else Config(published).pretty_text


def publish(checkpoint: dict, target: Path, trust: bool = False) -> Path:
    """Write the weights and meta of a checkpoint.

    Args:
        checkpoint: As mmengine saves it. Optimizer, schedulers, message hub
            and the weights beside the average of an EMA stay behind, and so
            do entries of ``meta`` that are none of :data:`KEPT` and what
            names places of the machine in the config.
        target: What to call it; the hash goes into the name, so that a file
            of this very name, which may be the source, stays as it is.
        trust: Whether code in the config may run.

    Returns:
        The file.

    Raises:
        ValueError: If the config is more than data.
    """
    meta = {k: v for k, v in checkpoint['meta'].items() if k in KEPT}
    if 'cfg' in meta:
        meta['cfg'] = published_config(meta['cfg'], trust)
    content = io.BytesIO()
    torch.save(dict(meta=meta, state_dict=checkpoint['state_dict']), content)
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    final = target.with_stem(f'{target.stem}-{digest[:8]}')
    final.write_bytes(content.getbuffer())
    return final


def main() -> None:
    """Read, strip and write."""
    args = parse_args()
    checkpoint = read_published(args.source, args.trust)
    try:
        final = publish(checkpoint, args.target, args.trust)
    except (SyntaxError, ValueError) as error:
        raise SystemExit(
            f'the config in {args.source} is more than data ({error}); if '
            f'you trust whoever made it, say --trust'
        ) from error
    print(f'{final}: {final.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
