"""Reading checkpoints, of which no code runs unless they are trusted."""

import tarfile
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as of_mmengine
from torch.serialization import _is_torchscript_zip, _open_zipfile_reader

from mmsgg import restricted_pickle

_MODEL_ZOOS = (
    'modelzoo://',
    'torchvision://',
    'open-mmlab://',
    'openmmlab://',
    'mmcls://',
)
_REMEDY = '--trust, or trust=True in Python'


class UntrustedCheckpointError(ValueError):
    """A checkpoint holds more than data and was not trusted."""


def read_checkpoint(
    path: str | Path, map_location: Any = 'cpu', trust: bool = False
) -> dict:
    """Read a checkpoint, which is data alone unless it is trusted.

    Args:
        path: A local file.
        map_location: Where tensors go, as of ``torch.load``.
        trust: Whether code in the file may run.

    Returns:
        What the file holds.

    Raises:
        FileNotFoundError: If there is no such file.
        UntrustedCheckpointError: If it asks for more than data.
        ValueError: If it is damaged, or no checkpoint.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'there is no checkpoint {path}')
    try:
        with path.open('rb') as file:
            read = _read_trusted if trust else _read_data
            content = read(file, map_location)
    except MemoryError:
        raise
    except restricted_pickle.NotDataError as error:
        raise UntrustedCheckpointError(
            f'{path} is refused because it can run code ({error}); if you '
            f'trust whoever made it, say {_REMEDY}'
        ) from error
    except Exception as error:  # a broken file fails in many ways
        reason = str(error).partition('\n')[0]
        raise ValueError(
            f'{path} does not read as a checkpoint, was it cut off? '
            f'({type(error).__name__}: {reason})'
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{path} holds a {type(content).__name__}, no checkpoint'
        )
    return content


def checkpoint_address(name: str) -> str:
    """The file or URL behind a name of a model zoo that mmengine knows.

    Args:
        name: Such as ``'torchvision://resnet50'``; any other is returned.

    Raises:
        ValueError: If the zoo has no such model.
    """
    scheme, _, model = name.partition('://')
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
        raise ValueError(f'mmengine knows no checkpoint {name}')
    address = models[model]
    if '://' in address:
        return address
    return str(Path(of_mmengine._get_mmengine_home(), address))


def use_safe_reading(trust: bool = False) -> None:
    """Let all that reads checkpoints through mmengine use our reader.

    That are ``load_from``, ``resume``, the ``init_cfg`` of models, and mmdet's
    ``init_detector``, for files, URLs and model zoos. Other storage is
    refused unless it is trusted.

    Args:
        trust: Whether code in the files may run.
    """

    def load_from_checked(name: str, map_location: Any = None) -> dict:
        file = _local_file(checkpoint_address(name))
        content = read_checkpoint(file, map_location, trust)
        if name.startswith('mmcls://'):
            return of_mmengine._process_mmcls_checkpoint(content)
        return content

    def load_from_unchecked(name: str, map_location: Any = None) -> dict:
        raise UntrustedCheckpointError(
            f'{name} is not read where it lies, for it could run code: copy '
            f'it to a local file, or, if you trust it, say {_REMEDY}'
        )

    for prefix, loader in _OF_MMENGINE.items():
        if prefix in ('', 'http://', 'https://', *_MODEL_ZOOS):
            loader = load_from_checked
        elif not trust:
            loader = load_from_unchecked
        CheckpointLoader.register_scheme(prefix, loader, force=True)


#: The loaders of mmengine, which unpickle whatever comes.
_OF_MMENGINE = dict(CheckpointLoader._schemes)


def _read_trusted(file: IO[bytes], map_location: Any) -> Any:
    return torch.load(file, map_location=map_location, weights_only=False)


def _read_data(file: IO[bytes], map_location: Any) -> Any:
    """Read a file of data; all else is a ``NotDataError``."""
    # torch before 2.6 runs the code of these two despite weights_only.
    if tarfile.is_tarfile(file):  # type: ignore[arg-type]
        raise restricted_pickle.NotDataError('it is a tar file')
    file.seek(0)
    if file.read(4) == b'PK\x03\x04':
        file.seek(0)
        with _open_zipfile_reader(file) as members:
            if _is_torchscript_zip(members):
                raise restricted_pickle.NotDataError('it is a TorchScript')
    file.seek(0)
    try:
        return torch.load(file, map_location=map_location, weights_only=True)
    except UnpicklingError:
        file.seek(0)
    # What torch takes for data is less than what mmengine saves.
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return torch.load(
            file,
            map_location=map_location,
            weights_only=False,
            pickle_module=restricted_pickle,
        )


def _local_file(address: str) -> str:
    """Fetch what a URL names into torch's cache, once a machine."""
    if not address.startswith(('http://', 'https://')):
        return address
    name = Path(urlparse(address).path).name
    file = Path(torch.hub.get_dir(), 'checkpoints', name)
    rank, _ = get_dist_info()
    for may_fetch in (rank == 0, True):  # then those on other machines
        if may_fetch and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(address, str(file), progress=False)
        barrier()
    return str(file)
