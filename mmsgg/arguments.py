"""Arguments of the tools' command lines.

Nothing is imported here that takes time, so that ``--help`` and a mistyped
path are answered at once.
"""

from argparse import Action, ArgumentParser, ArgumentTypeError
from difflib import get_close_matches
from pathlib import Path
from typing import Any


def config_file(path: str) -> str:
    """Check that a config exists; for use as an argparse type.

    Args:
        path (str): The path as it was typed.

    Returns:
        str: The same path.

    Raises:
        ArgumentTypeError: If there is no such file. The message lists files
            of the same folder whose names come near.
    """
    return _existing_file(path, 'config')


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


def _existing_file(path: str, kind: str) -> str:
    """Return ``path``, or say what is near the file that is missing."""
    asked = Path(path)
    if asked.is_file():
        return path
    if not asked.parent.is_dir():
        raise ArgumentTypeError(
            f"there is no {kind} '{path}', nor its folder '{asked.parent}'"
        )
    names = sorted(entry.name for entry in asked.parent.iterdir())
    near = get_close_matches(asked.name, names)
    near_paths = ', '.join(str(asked.parent / name) for name in near)
    hint = f'; near it: {near_paths}' if near else ''
    raise ArgumentTypeError(f"there is no {kind} '{path}'{hint}")


def add_cfg_options(parser: ArgumentParser) -> None:
    """Add ``--cfg-options``.

    Args:
        parser (ArgumentParser): The parser to add it to.
    """
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
    """Add ``--trust``.

    Args:
        parser (ArgumentParser): The parser to add it to.
    """
    parser.add_argument(
        '--trust',
        action='store_true',
        help='let checkpoints run code as they are read, which only some '
        'old ones need (see docs/security.md)',
    )


def add_shared_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that training and testing have in common.

    Args:
        parser (ArgumentParser): The parser to add them to.
    """
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

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        from mmengine.config import DictAction

        DictAction(self.option_strings, self.dest, nargs=self.nargs)(
            *args, **kwargs
        )
