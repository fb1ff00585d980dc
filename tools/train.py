"""Train the model of a config.

Examples:
    python tools/train.py configs/linknet/sgdet.py
    tools/dist_train.sh configs/linknet/sgdet.py 3 --auto-scale-lr
"""

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

# the rest is imported late, so that --help and a mistyped path need no wait
from mmsgg.arguments import add_shared_arguments, checkpoint_file, config_file

if TYPE_CHECKING:
    from mmengine.config import Config


def resume_point(text: str) -> str:
    """Check what ``--resume`` was given: 'auto' or a checkpoint."""
    return text if text == 'auto' else checkpoint_file(text)


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Train the model of a config.')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        '--amp', action='store_true', help='train in mixed precision'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size, from '
        'auto_scale_lr.base_batch_size of the config',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        type=resume_point,
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or from the last one in the work '
        'dir when none is named',
    )
    add_shared_arguments(parser)
    return parser.parse_args(argv)


def apply_training_options(cfg: 'Config', args: Namespace) -> None:
    """Write ``--amp``, ``--auto-scale-lr`` and ``--resume`` into ``cfg``."""
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise SystemExit(
                '--auto-scale-lr: the config has no '
                'auto_scale_lr.base_batch_size to scale from'
            )
        cfg.auto_scale_lr.enable = True
    if args.resume is not None:
        cfg.resume = True
        if args.resume != 'auto':
            cfg.load_from = args.resume
        cfg.setdefault('load_from', None)


def find_resume_point(
    cfg: 'Config', resume: str | None, trust: bool = False
) -> list[str]:
    """Put the newest checkpoint of the work dir into ``cfg``, if there is one.

    Without one the run starts as it would without ``--resume``.

    Args:
        cfg: Config of a run; ``load_from`` and ``resume`` are set.
        resume: What ``--resume`` was given.
        trust: Whether code in checkpoints may run.

    Returns:
        What the log should say.
    """
    from mmsgg.engine import newest_checkpoint

    if resume != 'auto' and (cfg.get('load_from') or not cfg.get('resume')):
        return []
    try:
        path, passed_over = newest_checkpoint(cfg.work_dir, trust)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    if path is None:
        cfg.resume = False
        start = cfg.get('load_from') or 'nothing'
        return [
            f'No checkpoint to resume in {cfg.work_dir}: start from {start}'
        ]
    cfg.load_from = str(path)
    return [f'Passed over: {reason}' for reason in passed_over] + [
        f'Resume from {path}'
    ]


def warn_of_untrained_detector(cfg: 'Config') -> None:
    """Say so where a relation head would learn from a random detector."""
    from mmengine.logging import print_log

    model = cfg.model
    frozen = model.get('detector') and model.get('freeze_detector', True)
    if frozen and not cfg.get('load_from') and not cfg.get('resume'):
        print_log(
            'The detector is frozen and no weights are loaded: it stays as '
            'random as it starts. Pass the checkpoint of the stage before '
            'with --cfg-options load_from=...',
            logger='current',
            level=logging.WARNING,
        )


def main() -> None:
    """Build the runner and train."""
    args = parse_args()

    from mmengine.logging import print_log
    from mmengine.runner import Runner

    from mmsgg.engine import (
        CheckpointError,
        check_training,
        config_from_args,
        fetch_initial_weights,
        leave_process_group,
        use_safe_reading,
    )

    use_safe_reading(args.trust)
    cfg = config_from_args(args)
    apply_training_options(cfg, args)
    notes = find_resume_point(cfg, args.resume, args.trust)
    runner = Runner.from_cfg(cfg)
    for note in notes:
        print_log(note, logger='current')
    warn_of_untrained_detector(cfg)
    fetch_initial_weights(cfg)
    check_training(runner)
    code = None
    try:
        runner.train()
    except CheckpointError as error:
        raise SystemExit(f'error: {error}') from error
    except SystemExit as stop:  # on a signal, after the same step everywhere
        code = stop.code
    del runner
    leave_process_group()
    if code is not None:
        raise SystemExit(code)


if __name__ == '__main__':
    main()
