"""Arguments of the tools' command lines.

Nothing is imported here that takes time, so that ``--help`` and a mistyped
path are answered at once.
"""

from argparse import (
    Action,
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
)
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

#: The configs that come with the package; in a clone, a link to them.
CONFIGS = Path(__file__).parent / '.mim' / 'configs'


def config_file(path: str) -> str:
    """Find a config; for use as an argparse type.

    Args:
        path (str): The path as it was typed, or the name of a config that
            comes with mmsgg: ``linknet/sgdet``, with or without ``.py``,
            ``configs/`` or ``mmsgg::``.

    Returns:
        str: The path of the file.

    Raises:
        ArgumentTypeError: If there is no such file. The message lists those
            whose names come near, of the same folder or of mmsgg.

    Examples:
        >>> Path(config_file('mmsgg::linknet/sgdet')).parts[-2:]
        ('linknet', 'sgdet.py')
    """
    if Path(path).is_file():
        return path
    name = path.removeprefix('mmsgg::').removeprefix('configs/')
    name = name.removesuffix('.py')
    packaged = CONFIGS / f'{name}.py'
    if not Path(name).is_absolute() and packaged.is_file():
        return str(packaged)
    names = [
        file.relative_to(CONFIGS).with_suffix('').as_posix()
        for file in CONFIGS.rglob('*.py')
    ]
    return _existing_file(path, 'config', get_close_matches(name, names))


def checkpoint_file(path: str) -> str:
    """Check that a checkpoint exists; for use as an argparse type.

    Args:
        path (str): The path as it was typed. One with a scheme, such as
            ``https://``, is left to mmengine's loader.

    Returns:
        str: The same path.

    Raises:
        ArgumentTypeError: If it is a local path without a file.
    """
    return path if '://' in path else _existing_file(path, 'checkpoint')


def _existing_file(path: str, kind: str, near: Iterable[str] = ()) -> str:
    """Return ``path``, or say what is near the file that is missing."""
    asked = Path(path)
    if asked.is_file():
        return path
    missing = f"there is no {kind} '{path}'"
    if asked.parent.is_dir():
        names = sorted(entry.name for entry in asked.parent.iterdir())
        found = get_close_matches(asked.name, names)
        near = [*(str(asked.parent / name) for name in found), *near]
    else:
        missing += f", nor its folder '{asked.parent}'"
    hint = f'; near it: {", ".join(near)}' if near else ''
    raise ArgumentTypeError(missing + hint)


def add_cfg_options(parser: ArgumentParser) -> None:
    """Add ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_CfgOptions,
        default={},
        metavar='KEY=VALUE',
        help='entries that override the config, such as '
        'train_dataloader.dataset.data_root=data/mine',
    )


def add_trust(parser: ArgumentParser) -> None:
    """Add ``--trust``."""
    parser.add_argument(
        '--trust',
        action='store_true',
        help='let checkpoints run code as they are read, which only some '
        'old ones need (see docs/security.md)',
    )


def add_shared_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that training and testing have in common."""
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints; by default what the config '
        'says, else ./work_dirs/<folder>/<name of the config>',
    )
    add_cfg_options(parser)
    add_trust(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes (default: none)',
    )
    # torch.distributed.launch passes it; mmengine reads the environment.
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help='set by some launchers',
    )


class _CfgOptions(Action):
    """mmengine's ``DictAction``, which is imported once it is used."""

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option: Any = None
    ) -> None:
        from mmengine.config import DictAction

        action = DictAction(self.option_strings, self.dest, nargs=self.nargs)
        for value in values:
            if '=' not in value:
                raise ArgumentError(self, f"'{value}' is no KEY=VALUE")
        action(parser, namespace, values, option)
        options = getattr(namespace, self.dest)
        for value in values:
            key, _, text = value.partition('=')
            if isinstance(options[key], str):
                # it drops spaces, also those of a path
                options[key] = text.strip('\'"')
