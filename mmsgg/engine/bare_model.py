"""A model without what wraps it for several processes."""

from typing import Any

from mmengine.model import is_model_wrapper


def bare_model(model: Any) -> Any:
    """The model inside a wrapper such as DDP, or the model itself."""
    return model.module if is_model_wrapper(model) else model
