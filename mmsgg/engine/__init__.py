"""What stands around the runner: command lines, weights, processes."""

from mmsgg.arguments import (
    add_cfg_options,
    add_shared_arguments,
    add_trust,
    checkpoint_file,
    config_file,
)
from mmsgg.engine.checkpoint_fit import check_weights
from mmsgg.engine.checkpoint_reading import (
    CheckpointError,
    UntrustedCheckpointError,
    read_checkpoint,
    use_safe_reading,
)
from mmsgg.engine.command_line import check_config_version, config_from_args
from mmsgg.engine.cpu_distributed import (
    leave_process_group,
    use_gloo_without_gpu,
)
from mmsgg.engine.embedded_config import (
    embedded_config,
    read_config_text,
)
from mmsgg.engine.initial_weights import fetch_initial_weights
from mmsgg.engine.loader_checks import check_training
from mmsgg.engine.resume_point import newest_checkpoint

__all__ = [
    'CheckpointError',
    'UntrustedCheckpointError',
    'add_cfg_options',
    'add_shared_arguments',
    'add_trust',
    'check_config_version',
    'check_training',
    'check_weights',
    'checkpoint_file',
    'config_file',
    'config_from_args',
    'embedded_config',
    'fetch_initial_weights',
    'leave_process_group',
    'newest_checkpoint',
    'read_checkpoint',
    'read_config_text',
    'use_gloo_without_gpu',
    'use_safe_reading',
]
