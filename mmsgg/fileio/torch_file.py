"""What ``torch.save`` wrote, read as data."""

import warnings
from pickle import UnpicklingError
from typing import IO, Any

import torch

from . import restricted_pickle


def load_tensors(file: IO[bytes], map_location: Any = 'cpu') -> Any:
    """Read tensors and other data; on any torch, no code of the file runs.

    Args:
        file: It, open for reading bytes.
        map_location: Where tensors go, as of ``torch.load``.

    Raises:
        NotDataError: If the file asks for more than data.
    """
    restricted_pickle.refuse_programs(file)
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
