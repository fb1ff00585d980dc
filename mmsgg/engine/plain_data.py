"""Plain data out of what mmengine keeps in a checkpoint, and back."""

from collections import OrderedDict
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer


def plain_data(value: Any) -> Any:
    """The same out of what ``torch.load(weights_only=True)`` reads.

    Args:
        value: Anything that a checkpoint may hold.

    Returns:
        Tensors, dicts, lists, tuples, strings, numbers, bools and None. A
        HistoryBuffer is a dict, see :func:`history_buffer`. A function in a
        dict is left out, as in the state of OneCycleLR, which has its own
        when it is built; what else has no plain form is its text.
    """
    if isinstance(value, HistoryBuffer):
        values, counts = value.data
        length = value.max_length
        return plain_data(dict(values=values, counts=counts, length=length))
    if isinstance(value, Mapping):
        # not ConfigDict, which is a dict, too
        items = {
            key: plain_data(item)
            for key, item in value.items()
            if not isinstance(item, (FunctionType, MethodType))
        }
        return OrderedDict(items) if type(value) is OrderedDict else items
    if isinstance(value, (list, tuple)):
        parts = [plain_data(part) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return torch.from_numpy(value.copy())
    if isinstance(value, (np.ndarray, np.generic)):
        return plain_data(value.tolist())
    if isinstance(value, torch.Tensor) or value is None:
        return value
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def history_buffer(plain: dict[str, Any]) -> HistoryBuffer:
    """The buffer of which :func:`plain_data` made a dict."""
    values, counts = (plain[key].cpu().numpy() for key in ('values', 'counts'))
    return HistoryBuffer(values, counts, plain['length'])
