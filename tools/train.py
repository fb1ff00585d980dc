"""Train the model of a config.

Examples:
    python tools/train.py configs/linknet/sgdet.py
    tools/dist_train.sh configs/linknet/sgdet.py 3 --auto-scale-lr
"""

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmsgg.engine import (
    CheckpointError,
    add_shared_arguments,
    check_train_loaders,
    checkpoint_file,
    config_file,
    config_from_args,
    fetch_initial_weights,
    leave_process_group,
    use_safe_reading,
)


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


def apply_training_options(cfg: Config, args: Namespace) -> None:
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
        # Without a name mmengine looks for the last one in the work dir.
        cfg.load_from = None if args.resume == 'auto' else args.resume


def warn_of_untrained_detector(cfg: Config) -> None:
    """Say so where a relation head would learn from a random detector."""
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
    use_safe_reading(args.trust)
    cfg = config_from_args(args)
    apply_training_options(cfg, args)
    runner = Runner.from_cfg(cfg)
    warn_of_untrained_detector(cfg)
    check_train_loaders(runner)
    fetch_initial_weights(cfg)
    try:
        runner.train()
    except CheckpointError as error:
        raise SystemExit(f'error: {error}') from error
    del runner
    leave_process_group()


if __name__ == '__main__':
    main()
