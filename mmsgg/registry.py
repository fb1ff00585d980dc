"""The registry nodes of mmsgg, each a child of mmengine's node.

Building a type imports the modules in ``locations``, so a config needs no
``custom_imports`` once ``default_scope = 'mmsgg'`` is set.
"""

from mmsgg.compatibility import check_imports

check_imports()  # before a package that does not fit fails in its own way

from mmengine import registry as mmengine_registry  # noqa: E402
from mmengine.config.utils import MODULE2PACKAGE  # noqa: E402
from mmengine.registry import Registry  # noqa: E402

# so that a config of yours may inherit _base_ = 'mmsgg::linknet/sgdet.py'
MODULE2PACKAGE['mmsgg'] = 'mmsgg'


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
TASK_UTILS = _child(
    'TASK_UTILS', 'models.task_modules', 'models.object_sources'
)
METRICS = _child('METRICS', 'evaluation.metrics')
HOOKS = _child('HOOKS', 'engine.hooks')
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'OPTIM_WRAPPER_CONSTRUCTORS', 'engine.optimizers'
)
LOOPS = _child('LOOPS', 'engine.loops')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'engine.schedulers')
VISUALIZERS = _child('VISUALIZERS', 'visualization')
INFERENCERS = _child('INFERENCERS', 'apis')

# Nothing of ours is in these. mmengine's runner and inferencer look for their
# types in the default scope first, and warn where that has no such node.
DATA_SAMPLERS = _child('DATA_SAMPLERS')
FUNCTIONS = _child('FUNCTIONS')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
OPTIMIZERS = _child('OPTIMIZERS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
VISBACKENDS = _child('VISBACKENDS')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')
