"""The config of a run of ``tools/train.py`` or ``tools/test.py``."""

import ctypes
import os
import signal
import sys
from argparse import Namespace
from pathlib import Path

from mmengine.config import Config

from mmsgg.engine.cpu_distributed import use_gloo_without_gpu

FORMER_MODELS = ('SceneGraphRCNN', 'SceneGraphFromBoxes')


def default_work_dir(config: str) -> Path:
    """The work dir of a config, which keeps the folder of the method.

    Args:
        config (str): Path of the config.

    Returns:
        Path: ``work_dirs`` and what follows ``configs`` in the path; without
        such a folder, the folder of the config and its name.

    Examples:
        >>> default_work_dir('configs/linknet/sgdet.py').as_posix()
        'work_dirs/linknet/sgdet'
        >>> default_work_dir('/home/me/mine/sgdet.py').as_posix()
        'work_dirs/mine/sgdet'
    """
    parts = Path(config).with_suffix('').parts
    if 'configs' in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index('configs')
        return Path('work_dirs', *parts[last + 1 :])
    folder = Path(config).parent.name
    return Path('work_dirs', folder, parts[-1])


def check_config_version(cfg: Config) -> None:
    """Refuse a config that was written for the first version of mmsgg.

    Args:
        cfg (Config): Of a model, from a file or out of a checkpoint.

    Raises:
        ValueError: If its model is none of today's.
    """
    model = (cfg.get('model') or {}).get('type')
    if str(model).rpartition('.')[-1] in FORMER_MODELS:
        raise ValueError(
            f'the config is of an earlier version of mmsgg, with model.type='
            f'{model!r}. Its weights load as they are: name a config of '
            'today, as in SGGInferencer(model=CONFIG, weights=CHECKPOINT); '
            'CHANGELOG.md has the new names of its options'
        )


def end_with_launcher() -> None:
    """Let this process end where torchrun, which started it, is killed.

    torchrun ends its workers when it is asked to end, but not when it is
    killed: they would go on, or hang, and hold their GPUs. On Linux alone.
    """
    if 'TORCHELASTIC_RUN_ID' not in os.environ or sys.platform != 'linux':
        return
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def config_from_args(args: Namespace) -> Config:
    """Read the config and apply the shared arguments to it.

    Without a GPU this also starts the process group, see
    :func:`~mmsgg.engine.cpu_distributed.use_gloo_without_gpu`.

    Args:
        args (Namespace): ``config`` and what :func:`add_shared_arguments`
            adds.

    Returns:
        Config: The config with ``launcher`` and ``work_dir`` set.

    Raises:
        SystemExit: If the config is of the first version.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    end_with_launcher()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    try:
        check_config_version(cfg)
    except ValueError as error:
        raise SystemExit(f'{args.config}: {error}') from None
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(default_work_dir(args.config))
    use_gloo_without_gpu(cfg)
    return cfg
