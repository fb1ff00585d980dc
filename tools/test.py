"""Test a checkpoint of the model of a config.

Examples:
    python tools/test.py configs/linknet/sgdet.py sgdet.pth --out preds.npz
    tools/dist_test.sh configs/linknet/sgdet.py sgdet.pth 3
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

# the rest is imported late, so that --help and a mistyped path need no wait
from mmsgg.arguments import add_shared_arguments, checkpoint_file, config_file

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.evaluator import BaseMetric


def result_file(path: str) -> str:
    """Check how the file to write is named."""
    if not path.endswith(('.npz', '.pkl', '.pickle')):
        raise ArgumentTypeError(
            f"'{path}' ends neither in .pkl nor .pickle, nor, as it should, "
            f'in .npz'
        )
    return path


def parse_args(argv: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description='Test a checkpoint of a model.')
    parser.add_argument('config', type=config_file, help='a config file')
    parser.add_argument(
        'checkpoint', type=checkpoint_file, help='a checkpoint or its URL'
    )
    parser.add_argument(
        '--out',
        type=result_file,
        help='file to write, .npz (or a pickle, .pkl): for each image the '
        'ground truth and what of the prediction any metric up to K = 100, '
        'or the protocol of the config, needs; for '
        'tools/analysis_tools/eval_metric.py',
    )
    parser.add_argument(
        '--show', action='store_true', help='show the predictions in a window'
    )
    parser.add_argument(
        '--show-dir',
        help='save the drawn predictions here; a relative path counts from '
        '<work dir>/<time stamp>; of several processes the first one draws '
        'its share of the images',
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2.0,
        help='seconds that --show shows an image (default: 2)',
    )
    add_shared_arguments(parser)
    return parser.parse_args(argv)


def draw_predictions(cfg: 'Config', args: Namespace) -> None:
    """Switch on the visualization hook as ``--show[-dir]`` ask for it."""
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None:
        raise SystemExit(
            '--show and --show-dir need default_hooks.visualization in the '
            "config, such as dict(type='mmdet.DetVisualizationHook')"
        )
    hook['draw'] = True
    if args.show:
        hook.update(show=True, wait_time=args.wait_time)
    if args.show_dir is not None:
        hook['test_out_dir'] = args.show_dir


def pairs_to_keep(metrics: 'Sequence[BaseMetric]') -> int | None:
    """The K that ``--out`` serves; None where a metric needs all pairs."""
    needy = any(getattr(m, 'needs_all_pairs', False) for m in metrics)
    return None if needy else 100


def main() -> None:
    """Build the runner, load the checkpoint and test."""
    args = parse_args()

    from mmengine.evaluator import DumpResults
    from mmengine.runner import Runner

    from mmsgg.engine import (
        CheckpointError,
        config_from_args,
        leave_process_group,
        use_safe_reading,
    )
    from mmsgg.evaluation.metrics import DumpSceneGraphs

    use_safe_reading(args.trust)
    cfg = config_from_args(args)
    cfg.load_from = args.checkpoint
    if args.show or args.show_dir is not None:
        draw_predictions(cfg, args)
    runner = Runner.from_cfg(cfg)
    if args.out is not None:
        # a detector has no scene graphs to dump
        graphs = 'relation_head' in cfg.get('model', {})
        if not graphs and args.out.endswith('.npz'):
            raise SystemExit(
                'error: .npz is for scene graphs; the results of a detector '
                "are mmdet's: name the file .pkl"
            )
        metrics = runner.test_evaluator.metrics
        metrics.append(
            DumpSceneGraphs(args.out, topk=pairs_to_keep(metrics))
            if graphs
            else DumpResults(args.out)
        )
    try:
        runner.test()
    except CheckpointError as error:
        raise SystemExit(f'error: {error}') from error
    del runner
    leave_process_group()


if __name__ == '__main__':
    main()
