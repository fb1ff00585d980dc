"""The registry nodes of mmsgg, each a child of mmengine's node.

Building a type imports the modules in ``locations``, so a config needs no
``custom_imports`` once ``default_scope = 'mmsgg'`` is set.
"""

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry


def _child(node: str, *locations: str) -> Registry:
    """Make the child of one mmengine node in the scope ``mmsgg``."""
    parent = getattr(mmengine_registry, node)
    return Registry(
        parent.name,
        parent=parent,
        scope='mmsgg',
        locations=[f'mmsgg.{location}' for location in locations],
    )


DATASETS = _child('DATASETS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
MODELS = _child('MODELS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models.task_modules')
METRICS = _child('METRICS', 'evaluation.metrics')
HOOKS = _child('HOOKS', 'engine.hooks')
VISUALIZERS = _child('VISUALIZERS', 'visualization')
