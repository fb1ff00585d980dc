"""Models by their names: configs of mmsgg, folders, Hugging Face's hub.

A folder of a model, on a disk or on the hub, holds ``config.py`` and one
checkpoint, ``*.pth``. Both are read as data (docs/security.md).
"""

import shutil
from argparse import ArgumentTypeError
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config

from mmsgg.engine import config_file, embedded_config, read_checkpoint

_CONFIG = 'config.py'


def read_named_model(
    name: str, trust: bool = False
) -> tuple[Config, str | None]:
    """The config of a model that is no file, and its weights.

    Args:
        name: 'hf://org/name[@revision]', a folder of that layout, or the name
            of a config of mmsgg.
        trust: Whether code in config and checkpoint may run.

    Returns:
        The config and the path of the checkpoint, if there is one.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If the config is more than data.
        ImportError: Where the hub's package is missing.
    """
    if name.startswith('hf://'):
        repo_id, _, revision = name.removeprefix('hf://').partition('@')
        options: dict[str, Any] = dict(allow_patterns=[_CONFIG, '*.pth'])
        if revision:
            options['revision'] = revision
        folder = Path(_hub().snapshot_download(repo_id, **options))
    else:
        folder = Path(name)
    if not folder.is_dir():
        try:
            return Config.fromfile(config_file(name)), None
        except ArgumentTypeError as error:
            raise FileNotFoundError(str(error)) from None
    weights = sorted(folder.glob('*.pth'))
    if len(weights) != 1 or not (folder / _CONFIG).is_file():
        raise FileNotFoundError(
            f"'{name}' is no folder of a model, with {_CONFIG} and one "
            f'*.pth: it holds {len(weights)} *.pth'
        )
    text = (folder / _CONFIG).read_text(encoding='utf-8')
    return embedded_config(dict(meta=dict(cfg=text)), trust), str(weights[0])


def save_model_folder(checkpoint: str | Path, folder: str | Path) -> None:
    """Write the folder of a model.

    Args:
        checkpoint: As ``publish_model.py`` writes it, with its config inside.
        folder: Where to; it is made.

    """
    config = embedded_config(read_checkpoint(checkpoint))
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / _CONFIG).write_text(config.pretty_text, encoding='utf-8')
    shutil.copy(checkpoint, folder)


def push_to_hub(
    checkpoint: str | Path, repo_id: str, private: bool = True
) -> None:
    """Put a model on Hugging Face's hub, where its package is logged in.

    Args:
        checkpoint: As of :func:`save_model_folder`.
        repo_id: 'org/name'; made where it is not there.
        private: Whether one that is made is private.
    """
    with TemporaryDirectory() as folder:
        save_model_folder(checkpoint, folder)
        hub = _hub()
        hub.create_repo(repo_id, private=private, exist_ok=True)
        hub.upload_folder(repo_id=repo_id, folder_path=folder)


def _hub() -> Any:
    try:
        return import_module('huggingface_hub')
    except ImportError as error:
        raise ImportError(
            "Hugging Face's hub needs its package: pip install huggingface_hub"
        ) from error
