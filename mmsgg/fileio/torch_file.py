"""What ``torch.save`` wrote, read as data."""

import tarfile
import warnings
from pickle import UnpicklingError
from typing import IO, Any

import torch
from torch.serialization import _is_torchscript_zip, _open_zipfile_reader

from . import restricted_pickle


def load_tensors(file: IO[bytes], map_location: Any = 'cpu') -> Any:
    """Read tensors and other data; on any torch, no code of the file runs.

    Args:
        file: It, open for reading bytes.
        map_location: Where tensors go, as of ``torch.load``.

    Raises:
        NotDataError: If the file asks for more than data.
    """
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
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of protocols and of untyped storage
        try:
            return torch.load(
                file, map_location=map_location, weights_only=True
            )
        except UnpicklingError:
            file.seek(0)
        # What torch takes for data is less than what mmengine saves.
        return torch.load(
            file,
            map_location=map_location,
            weights_only=False,
            pickle_module=restricted_pickle,
        )
