"""Several processes on a machine without a GPU."""

import gc
from datetime import timedelta
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from torch import distributed


def use_gloo_without_gpu(cfg: Config) -> None:
    """Let the processes of torchrun work together on the CPU.

    mmengine's own start binds each process to a CUDA device and wraps the
    model for it. It leaves a process group that exists alone, so without a
    GPU the group is made here, and ``cfg`` is told what fits it. With a GPU,
    or with another launcher than ``'pytorch'``, nothing happens.

    torchrun has set the environment that ``init_process_group`` reads. The
    threads of a process are not set here: OpenMP reads ``OMP_NUM_THREADS``
    before Python code runs, and ``tools/dist_launch.sh`` sets it.

    Args:
        cfg (Config): The runner's config with ``launcher`` set. Changed in
            place: ``env_cfg.dist_cfg.backend`` and ``model_wrapper_cfg``.
    """
    if cfg.get('launcher') != 'pytorch' or get_device() != 'cpu':
        return
    cfg.merge_from_dict({'env_cfg.dist_cfg.backend': 'gloo'})
    if cfg.get('model_wrapper_cfg') is None:
        # What mmengine wraps with on a GPU, apart from the device.
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    cfg.model_wrapper_cfg['device_ids'] = None
    if not distributed.is_initialized():
        # torch 2.1 takes no timeout of None
        options: dict[str, Any] = {}
        seconds = cfg.env_cfg.dist_cfg.get('timeout')
        if seconds is not None:
            options['timeout'] = timedelta(seconds=seconds)
        distributed.init_process_group('gloo', **options)


def leave_process_group() -> None:
    """Wait for the other processes and close the connections to them.

    To be called when all work is done, with any launcher, and when nothing
    refers to the runner any more: the model's wrapper holds on to the group.
    Connections that are open when Python ends may abort the process (known
    of torch's gloo), which torchrun reports as the failure of a run that
    went well.
    """
    gc.collect()  # a runner and its loops refer to each other
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()
