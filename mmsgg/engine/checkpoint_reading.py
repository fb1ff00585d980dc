"""Reading checkpoints, of which no code runs unless they are trusted."""

import os
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as of_mmengine

from mmsgg.fileio import load_tensors, restricted_pickle

_MODEL_ZOOS = (
    'modelzoo://',
    'torchvision://',
    'open-mmlab://',
    'openmmlab://',
    'mmcls://',
)
_READ_HERE = ('', 'http://', 'https://', *_MODEL_ZOOS)
#: The loaders of mmengine, which unpickle whatever comes.
_OF_MMENGINE = dict(CheckpointLoader._schemes)
_REMEDY = '--trust, or trust=True in Python'


class CheckpointError(ValueError):
    """A file does not read as a checkpoint; the message says why."""


class UntrustedCheckpointError(CheckpointError):
    """A checkpoint holds more than data and was not trusted."""


def read_checkpoint(
    path: str | Path, map_location: Any = 'cpu', trust: bool = False
) -> dict:
    """Read a checkpoint, which is data alone unless it is trusted.

    Args:
        path: A file, its URL, or its name in a model zoo of mmengine.
        map_location: Where tensors go, as of ``torch.load``.
        trust: Whether code in the file may run.

    Raises:
        FileNotFoundError: If there is no such file.
        UntrustedCheckpointError: If it asks for more than data.
        CheckpointError: If it is damaged, or no checkpoint.
    """
    file = _local_file(_checkpoint_address(str(path)))
    if not file.is_file():
        raise FileNotFoundError(f'there is no checkpoint {path}')
    try:
        read = _read_trusted if trust else load_tensors
        with file.open('rb') as opened:
            content = read(opened, map_location)
    except MemoryError:
        raise
    except restricted_pickle.NotDataError as error:
        raise UntrustedCheckpointError(
            f'{path} is refused because it can run code ({error}); if you '
            f'trust whoever made it, say {_REMEDY}'
        ) from error
    except Exception as error:  # a broken file fails in many ways
        reason = str(error).partition('\n')[0]
        raise CheckpointError(
            f'{path} does not read as a checkpoint: it was cut off, or it is '
            f'no checkpoint ({type(error).__name__}: {reason})'
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(
            f'{path} holds a {type(content).__name__}: it is no checkpoint, '
            f'neither a state dict nor a dict with one as state_dict'
        )
    if str(path).startswith('mmcls://'):
        return of_mmengine._process_mmcls_checkpoint(content)
    return content


def use_safe_reading(trust: bool = False) -> None:
    """Let all that reads checkpoints through mmengine use our reader.

    That are ``load_from``, ``resume``, the ``init_cfg`` of models, and mmdet's
    ``init_detector``, for files, URLs and model zoos. Other storage is
    refused unless it is trusted.

    Args:
        trust: Whether code in the files may run.
    """

    def load_from_checked(name: str, map_location: Any = None) -> dict:
        return read_checkpoint(name, map_location, trust)

    for prefix, loader in _OF_MMENGINE.items():
        ours = not trust or prefix in _READ_HERE
        CheckpointLoader.register_scheme(
            prefix, load_from_checked if ours else loader, force=True
        )


def _read_trusted(file: IO[bytes], map_location: Any) -> Any:
    return torch.load(file, map_location=map_location, weights_only=False)


def _checkpoint_address(name: str) -> str:
    """The file or URL behind a name of a model zoo that mmengine knows."""
    scheme, _, model = name.partition('://')
    if '://' in name and f'{scheme}://' not in _READ_HERE:
        raise UntrustedCheckpointError(
            f'{name} is refused because it could run code: copy it to a local '
            f'file, or, if you trust whoever made it, say {_REMEDY}'
        )
    if f'{scheme}://' not in _MODEL_ZOOS:
        return name
    if scheme in ('torchvision', 'modelzoo'):
        models = of_mmengine.get_torchvision_models()
    elif scheme == 'mmcls':
        models = of_mmengine.get_mmcls_models()
    else:
        models = of_mmengine.get_external_models()
        renamed = of_mmengine.get_deprecated_model_names()
        model = renamed.get(model, model)
    if model not in models:
        raise CheckpointError(f'mmengine knows no checkpoint {name}')
    address = models[model]
    if '://' in address:
        return address
    return str(Path(of_mmengine._get_mmengine_home(), address))


def _local_file(address: str) -> Path:
    """Fetch what a URL names into torch's cache, once a machine."""
    if not address.startswith(('http://', 'https://')):
        return Path(address).expanduser()
    name = Path(urlparse(address).path).name
    file = Path(torch.hub.get_dir(), 'checkpoints', name)
    rank, _ = get_dist_info()
    for may_fetch in (rank == 0, True):  # then those on other machines
        if may_fetch and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(
                address, str(file), progress=os.isatty(0)
            )
        barrier()
    return file
